// OpenSSL: the one module that speaks to libcrypto and libssl.
//
// Purpose: message digests, keyed digests, what stands in certificates, and the two ends of a TLS session.
// Signatures join it later.
// May import: Bytes; outside: COpenSSL.
// Read in this order: OpenSSLError.swift and its extension, DigestContext.swift, Digest.swift, MessageAuthentication.swift,
// Certificate.swift, CertificateReader.swift, Certificate+pem.swift; for TLS: TLSSettings.swift, TLSOptions.swift, TLSContexts.swift, TLSContext.swift,
// TLSSession.swift, LibraryEnds.swift, OCSPProof.swift, OCSPInquiry.swift, LibraryEnds+proof.swift, ServerCallbacks.swift, SelfSigned.swift.
