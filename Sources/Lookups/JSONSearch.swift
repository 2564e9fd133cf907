import Bytes

/// `json`: an element of a JSON file, found by a list of names and places (manual, section 9.3).
struct JSONSearch: LookupDriver {
    let files: FileCache

    var style: LookupStyle { .singleKey }

    func find(_ request: LookupRequest) async -> LookupOutcome {
        let file: FileContents
        do {
            file = try files.contents(of: request.file, purpose: "json search", lookup: "json")
        } catch {
            return .unusable(error.text)
        }
        var reader = JSONElement.Reader(file.bytes)
        guard var element = reader.document() else {
            return .deferred("\(request.file) is no JSON document: see octet \(reader.place)")
        }
        for selector in ListItems(request.key) {
            let place = selector.decimalInteger().flatMap { Int(exactly: $0) }
            guard let next = place.map({ element.item($0) }) ?? element.member(selector) else {
                return .notFound
            }
            element = next
        }
        return element == .null ? .notFound : .found(element.text)
    }
}
