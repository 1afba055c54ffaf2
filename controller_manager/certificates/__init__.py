"""CertificateSigningRequests: who may have which certificate, who signs it, and when a request is over."""
