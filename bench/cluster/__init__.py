"""The manifests of the cluster, run: pods, a proxy, a database and a client, each in a network namespace of its own."""
