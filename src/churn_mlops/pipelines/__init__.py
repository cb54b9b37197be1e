"""The jobs: each reads, computes and writes by calling the rooms below."""
