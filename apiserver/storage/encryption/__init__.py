"""Encryption of resources at rest: upstream's EncryptionConfiguration and its form of values in etcd."""
