import Bytes
import Lookups
import Testing

@Suite("Lookup types as they are written")
struct LookupTypeTests {
    @Test("A type is read with its partial part, its defaults and its options")
    func types() throws {
        let type = try #require(LookupType("partial3(.x.)lsearch*@,ret=full"))
        #expect(type.name == "lsearch")
        #expect(type.partial?.leastComponents == 3)
        #expect(type.partial?.affix == ".x.")
        #expect(type.fallback == .starAt)
        #expect(type.options == ["ret=full"])
    }
}
