import Bytes

/// `filename` (ours, not Exim's): gives the key back when it may safely name a file, and finds nothing otherwise.
///
/// It is how a configuration without a list of users de-taints a local part: `local_parts = filename;$local_part`
/// leaves the checked name in `$local_part_data`.
struct FileNameCheck: LookupDriver {
    /// The longest name; RFC 5321 allows a local part as much.
    static let maximumLength = 64

    var style: LookupStyle { .query }

    func find(_ request: LookupRequest) async -> LookupOutcome {
        let name = request.key
        guard let first = name.first, first.isASCIIAlphanumeric, name.count <= Self.maximumLength,
            name.allSatisfy({ $0.isASCIIAlphanumeric || ByteString("._+-").contains($0) })
        else { return .notFound }
        return .found(name)
    }
}
