"""Benchmarks: what a request costs in cellrouter, beside other proxies that do the same work."""
