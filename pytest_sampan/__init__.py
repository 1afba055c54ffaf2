"""A pytest plugin: the fixture `sampan_cluster`, a real cluster for tests of operators and manifests."""
