"""The life of a job, from the acknowledgement to the delivered pictures."""
