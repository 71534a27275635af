"""Training a bi-encoder by a plan.

`loss` is what a step minimises, plainly or with cached gradients; `texts` puts a step's texts into
chunks for the encoder; `validation` makes a task of what is reserved; `checkpoint` is what a killed
run goes on from; `loop` puts them together. What reads and writes folders is `stages.train`.
"""
