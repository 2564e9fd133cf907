import Bytes

/// What this program says of itself.
enum Version {
    /// Name and version.
    static let short = "Bobbin 0.1"
    /// The Exim whose options and output are followed.
    static let exim = "4.96"
}
