"""The durable queue: jobs, results, events and assets that outlive every process."""
