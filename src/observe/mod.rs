//! Fills a snapshot: from kubectl dumps and from the sandbox. One converter from Kubernetes JSON for all.
