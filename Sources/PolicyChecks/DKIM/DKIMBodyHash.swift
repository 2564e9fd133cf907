package import Bytes
import OpenSSL

/// A hash of a body that signatures ask for; equal ones are computed once.
package struct DKIMBodyRequest: Sendable, Hashable {
    /// The hash.
    package var hash: DKIMAlgorithm.Hash
    /// The form that is hashed.
    package var form: DKIMCanonicalization
    /// How many octets of the canonical body count (`l=`); nil for all.
    package var limit: Int64?

    /// Makes a request.
    package init(hash: DKIMAlgorithm.Hash, form: DKIMCanonicalization, limit: Int64? = nil) {
        self.hash = hash
        self.form = form
        self.limit = limit
    }
}

/// Computes the hashes of a body as its octets arrive.
///
/// A class, since a digest under way belongs to one owner.
package final class DKIMBodyHashes {
    private var hashes: [One]
    /// Which requests have left out a part of the body, once that is at its end.
    package private(set) var cut: Set<DKIMBodyRequest> = []

    /// Begins a body.
    package init(_ requests: some Sequence<DKIMBodyRequest>) { hashes = Set(requests).map { One($0) } }

    /// Takes octets of the body, with LF line ends.
    package func take(_ octets: ArraySlice<UInt8>) {
        for hash in hashes { hash.take(octets) }
    }

    /// Ends the body, and gives what there is by request; one that libcrypto could not compute is not there.
    package func finish() -> [DKIMBodyRequest: ByteString] {
        var results: [DKIMBodyRequest: ByteString] = [:]
        for hash in hashes {
            results[hash.request] = hash.finish()
            if hash.isCut { cut.insert(hash.request) }
        }
        hashes = []
        return results
    }

    private final class One {
        let request: DKIMBodyRequest
        private var form: DKIMBodyForm
        private var left: Int64
        private(set) var isCut = false
        private var digest: Digest?

        init(_ request: DKIMBodyRequest) {
            self.request = request
            form = DKIMBodyForm(request.form)
            left = request.limit ?? .max
            do throws(OpenSSLError) { digest = try Digest(request.hash.digest) } catch { digest = nil }
        }

        func take(_ octets: ArraySlice<UInt8>) {
            form.take(octets) { hash($0) }
        }

        func finish() -> ByteString? {
            form.finish { hash($0) }
            guard let digest = digest.take() else { return nil }
            do throws(OpenSSLError) { return try digest.finish() } catch { return nil }
        }

        private func hash(_ octets: [UInt8]) {
            if left < octets.count { isCut = true }
            guard left > 0, !octets.isEmpty else { return }
            let counted = left < octets.count ? Array(octets.prefix(Int(left))) : octets
            left -= Int64(counted.count)
            do throws(OpenSSLError) { try digest?.update(ByteString(counted)) } catch { digest = nil }
        }
    }
}
