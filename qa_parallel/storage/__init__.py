"""All that touches files: whole or not there, folders with a manifest, jobs, caches."""
