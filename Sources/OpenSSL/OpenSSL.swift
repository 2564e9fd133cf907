// OpenSSL: the one module that speaks to libcrypto and libssl.
//
// Purpose: message digests, keyed digests, and what stands in certificates; signatures and the TLS engine join it later.
// May import: Bytes; outside: COpenSSL.
// Read in this order: OpenSSLError.swift and its extension, DigestContext.swift, Digest.swift, MessageAuthentication.swift,
// Certificate.swift, CertificateReader.swift.
