// Any octets are a filter or a mistake with words; a filter that is obeyed comes to an end.
internal import Bytes
internal import Expansion
internal import Filter

/// One input of libFuzzer.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzFilter(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let text = ByteString(Array(UnsafeBufferPointer(start: start, count: count)))
    _ = FilterFile.kind(of: text)
    for rights in [FilterRights(), .system] {
        do throws(FilterError) {
            let file = try FilterFile(text, rights)
            let setting = FilterRun.Setting(rights, qualifyDomain: "example.org")
            let words = awaiting { () -> ByteString? in
                var run = FilterRun(setting, Expander(World.environment), World.facts)
                do throws(FilterError) {
                    _ = try await run.run(file)
                    return nil
                } catch { return error.text }
            }
            precondition(words != "", "a failure without words")
        } catch {
            precondition(!error.text.isEmpty, "a mistake without words")
        }
    }
    return 0
}
