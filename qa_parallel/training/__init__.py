"""Training a bi-encoder by a plan.

`texts` puts a step's texts into chunks for the encoder; `objectives` has what a step minimises, by
plain or cached gradients; `validation` makes a task of what is reserved; `checkpoint` is what a
killed run goes on from; `loop` puts them together. What reads and writes folders is `stage`.
"""
