// Bytes: what mail is made of.
//
// Purpose: one byte-string type for all mail data, and the small encodings that every module shares.
// May import: nothing.
// Read in this order: ByteString.swift, ByteString+interpolation.swift, ByteString+literals.swift, ByteSearch.swift, ASCII.swift,
// Integers.swift, Base62.swift, Base64.swift, Hex.swift, XText.swift, Escapes.swift, Taint.swift, IPAddress.swift,
// IPNetwork.swift.
