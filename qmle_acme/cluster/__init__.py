"""The nodes of a distributed run on other engines: containers, Pods, steps of a job."""
