package import Bytes
import CPCRE2

/// Why a pattern cannot be used, or a match could not be decided.
package enum PatternError: Error, Hashable, Sendable {
    /// The pattern is wrong; PCRE2's words and the offset of the octet.
    case invalid(message: ByteString, offset: Int, pattern: ByteString)
    /// Matching gave up: PCRE2's words (match limit, heap limit).
    case matchFailed(message: ByteString, pattern: ByteString)

    /// The pattern that was to be compiled or matched.
    package var pattern: ByteString {
        switch self {
        case .invalid(_, _, let pattern), .matchFailed(_, let pattern): pattern
        }
    }

    /// PCRE2's words, with the offset of the octet where a pattern is wrong.
    package var words: ByteString {
        switch self {
        case .invalid(let message, let offset, _): "\(message) at offset \(offset)"
        case .matchFailed(let message, _): message
        }
    }
}

/// What a pattern found.
package struct PatternMatch: Sendable, Hashable {
    /// The whole match first, then each parenthesis; nil for one that took no part.
    package var captures: [Range<Int>?]

    /// The place of the whole match.
    package var whole: Range<Int> { captures.first.flatMap { $0 } ?? 0..<0 }

    /// The octets of a capture of `subject`; nil for one that took no part or is not there.
    package func octets(of index: Int, in subject: ByteString) -> ArraySlice<UInt8>? {
        guard captures.indices.contains(index), let range = captures[index] else { return nil }
        return subject[range]
    }
}

/// A compiled regular expression of PCRE2, Exim's own regex language; may be used from many tasks at once.
// @unchecked Sendable: compiled code is never written after compilation (JIT included), and pcre2_match
// takes all its working state in the match data that each call makes for itself (pcre2api,
// "Multithreading").
@safe package final class PCRE2Pattern: @unchecked Sendable {
    /// The most steps of one match, so that a hostile subject cannot stop the program.
    package static let matchLimit: UInt32 = 5_000_000

    private let code: OpaquePointer
    private let context: OpaquePointer?
    private let pattern: ByteString

    private init(code: OpaquePointer, pattern: ByteString) {
        unsafe self.code = code
        self.pattern = pattern
        unsafe context = pcre2_match_context_create_8(nil)
        if let context = unsafe context { _ = unsafe pcre2_set_match_limit_8(context, Self.matchLimit) }
    }

    deinit {
        unsafe pcre2_code_free_8(code)
        unsafe pcre2_match_context_free_8(context)
    }

    /// Compiles a pattern; JIT is used where the machine has it.
    ///
    /// `utf8` matches characters instead of octets and needs a subject in good UTF-8.
    package static func compile(
        _ pattern: ByteString, caseless: Bool = false, utf8: Bool = false
    ) throws(PatternError) -> PCRE2Pattern {
        var options: UInt32 = caseless ? PCRE2_CASELESS : 0
        if utf8 { options |= PCRE2_UTF }
        var problem: CInt = 0
        var offset = 0
        let code = unsafe pcre2_compile_8(pattern.bytes, pattern.count, options, &problem, &offset, nil)
        guard let code = unsafe code else {
            throw .invalid(message: message(of: problem), offset: offset, pattern: pattern)
        }
        // Without JIT the interpreter does the same work.
        _ = unsafe pcre2_jit_compile_8(code, PCRE2_JIT_COMPLETE)
        return unsafe PCRE2Pattern(code: code, pattern: pattern)
    }

    /// The first match at or after `start`, or nil; throws when matching gives up.
    package func firstMatch(
        in subject: ByteString, from start: Int = 0
    ) throws(PatternError) -> PatternMatch? {
        guard start >= 0, start <= subject.count else { return nil }
        guard let data = unsafe pcre2_match_data_create_from_pattern_8(code, nil) else {
            throw .matchFailed(message: "out of memory", pattern: pattern)
        }
        defer { unsafe pcre2_match_data_free_8(data) }
        let count = unsafe pcre2_match_8(code, subject.bytes, subject.count, start, 0, data, context)
        if count == PCRE2_ERROR_NOMATCH { return nil }
        guard count > 0 else { throw .matchFailed(message: Self.message(of: count), pattern: pattern) }
        return unsafe PatternMatch(
            captures: Self.captures(of: data, matched: Int(count), upTo: subject.count))
    }

    /// Whether the pattern is found anywhere in the subject.
    package func matches(_ subject: ByteString) throws(PatternError) -> Bool {
        try firstMatch(in: subject) != nil
    }

    private static func captures(of data: OpaquePointer, matched: Int, upTo limit: Int) -> [Range<Int>?] {
        let total = Int(unsafe pcre2_get_ovector_count_8(data))
        guard let vector = unsafe pcre2_get_ovector_pointer_8(data) else { return [] }
        return (0..<total).map { index -> Range<Int>? in
            guard index < matched else { return nil }
            let low = unsafe vector[2 * index]
            let high = unsafe vector[2 * index + 1]
            // A parenthesis without part has both at ~0; \K may put the start behind the end.
            return low >= 0 && low <= high && high <= limit ? low..<high : nil
        }
    }

    private static func message(of code: CInt) -> ByteString {
        var buffer = [UInt8](repeating: 0, count: 256)
        let length = unsafe pcre2_get_error_message_8(code, &buffer, buffer.count)
        return length >= 0 ? ByteString(buffer.prefix(Int(length))) : "PCRE2 error \(code)"
    }
}
