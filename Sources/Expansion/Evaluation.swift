import Bytes
import Lookups
import MailText

/// One run over a template: the facts with what the run itself sets, such as `$value` and `$1`.
struct Evaluation {
    /// How deep expansions may call each other: named lists, `${expand:`, and keys of `wildlsearch` files.
    static let deepestCall = 40

    let expander: Expander
    var environment: Environment { _read { yield expander.environment } }
    var facts: Facts
    var depth: Int
    /// Whether an ACL was run, which may have set variables.
    var ranACL = false

    init(_ expander: Expander, _ facts: Facts, depth: Int = 0) {
        self.expander = expander
        self.facts = facts
        self.depth = max(depth, facts.callDepth)
    }

    /// Expands a whole template.
    mutating func expand(_ template: Template) async throws(ExpansionError) -> TaintedBytes {
        if let literal = template.literal { return TaintedBytes(literal) }
        if let error = template.syntaxError { throw error }
        for name in template.unknownNames where facts.extra[name.name] == nil { throw .failed(name.text) }
        guard depth < Self.deepestCall else {
            throw .failed("expansions call each other more than \(Self.deepestCall) deep")
        }
        depth += 1
        defer { depth -= 1 }
        return try await text(template.nodes)
    }

    /// The value of nodes that stand one after the other.
    mutating func text(_ nodes: [Node]) async throws(ExpansionError) -> TaintedBytes {
        if nodes.count == 1 { return try await value(nodes[0]) }
        var result = TaintedBytes(ByteString())
        for node in nodes {
            if case .literal(let octets) = node {
                result.bytes += octets
                continue
            }
            let part = try await value(node)
            result.bytes += part.bytes
            if !part.bytes.isEmpty { result.taint = result.taint.joined(with: part.taint) }
        }
        return result
    }

    private mutating func value(_ node: Node) async throws(ExpansionError) -> TaintedBytes {
        switch node {
        case .literal(let octets): return TaintedBytes(octets)
        case .variable(let name, _): return try await variable(name)
        case .capture(let number): return capture(number)
        case .header(let reference): return try HeaderText.value(of: reference, facts, expander.environment)
        case .operation(let call, let body): return try await operate(call, body)
        case .condition(let condition, let branches): return try await choose(condition, branches)
        case .lookup(let item): return try await lookup(item)
        case .item(let call): return try await item(call)
        case .each(let item): return try await walk(item)
        case .run(let item): return try await run(item)
        }
    }

    private func capture(_ number: Int) -> TaintedBytes {
        number < facts.captures.count ? facts.captures[number] : ""
    }

    /// The value of a variable; one that is not set is empty.
    mutating func variable(_ name: ByteString) async throws(ExpansionError) -> TaintedBytes {
        if let value = facts.extra[name] { return value }
        if let reader = Variables.table[name] { return reader(facts, expander.environment) ?? "" }
        // What an ACL or a router has set, and captures, are read most.
        if let value = Variables.userDefined(name, facts) { return value }
        if let number = name.decimalInteger() { return capture(Int(number)) }
        if let waiting = Variables.waiting[name] { return try await wait(for: waiting) }
        switch name {
        case "message_headers": return HeaderText.all(facts, environment, isRaw: false)
        case "message_headers_raw": return HeaderText.all(facts, environment, isRaw: true)
        case "reply_address": return try HeaderText.replyAddress(facts, environment)
        default: break
        }
        // `strict_acl_vars`
        guard !environment.settings.strictACLVariables || !name.starts(with: ByteString("acl_")) else {
            throw .failed("unknown variable name \"\(name)\" (strict_acl_vars is set)")
        }
        return ""
    }

    private mutating func choose(
        _ condition: Condition, _ branches: Branches
    ) async throws(ExpansionError) -> TaintedBytes {
        let (captures, value) = (facts.captures, facts.value)
        let holds = try await isTrue(condition)
        let result =
            holds
            ? try await yes(branches, otherwise: "true")
            : try await no(branches, of: "if")
        (facts.captures, facts.value) = (captures, value)
        return result
    }

    /// The yes branch, or what stands for it when there is none.
    mutating func yes(
        _ branches: Branches, otherwise value: TaintedBytes
    ) async throws(ExpansionError) -> TaintedBytes {
        guard let nodes = branches.yes else { return value }
        return try await text(nodes)
    }

    /// The no branch of an item of that name.
    mutating func no(
        _ branches: Branches, of name: ByteString
    ) async throws(ExpansionError) -> TaintedBytes {
        switch branches.no {
        case .nothing: return ""
        case .text(let nodes): return try await text(nodes)
        case .fail: throw .forcedFailure("\"\(name)\" failed and \"fail\" requested")
        }
    }

    /// The yes branch with `$value` set, or the value; the no branch when there is no value.
    mutating func branch(
        _ found: TaintedBytes?, _ branches: Branches, of name: ByteString
    ) async throws(ExpansionError) -> TaintedBytes {
        guard let found else { return try await no(branches, of: name) }
        let before = facts.value
        facts.value = found
        let result = try await yes(branches, otherwise: found)
        facts.value = before
        return result
    }

    private mutating func lookup(_ item: LookupItem) async throws(ExpansionError) -> TaintedBytes {
        guard !environment.forbidden.contains(.lookup) else {
            throw .failed("lookup expansions are not permitted")
        }
        let captures = facts.captures
        let answer = try await search(item)
        let result: TaintedBytes
        switch answer.outcome {
        case .found(let data):
            if let parts = answer.parts {
                facts.captures = ["\(parts.wild).\(parts.fixed)", parts.wild, parts.fixed].map {
                    TaintedBytes($0)
                }
            }
            result = try await branch(TaintedBytes(data), item.branches, of: "lookup")
        case .notFound: result = try await no(item.branches, of: "lookup")
        case .deferred(let text), .unusable(let text): throw .deferred(text)
        }
        facts.captures = captures
        return result
    }

    private mutating func search(_ item: LookupItem) async throws(ExpansionError) -> LookupAnswer {
        let (type, driver) = try resolve(item)
        var request = LookupRequest(key: "")
        if let key = item.key { request.key = try await text(key).bytes }
        let target = try await text(item.target)
        if item.key == nil {
            request.key = target.bytes
        } else {
            guard !target.taint.isTainted else {
                throw .failed("Tainted filename for search: '\(target.bytes)'")
            }
            request.file = target.bytes
        }
        request.expandKey = keyExpander()
        var answer = await environment.lookups.search(type, driver, request)
        if case .deferred(let text) = answer.outcome {
            answer.outcome = .deferred("lookup of \"\(request.key)\" gave DEFER: \(text)")
        }
        return answer
    }

    private func resolve(
        _ item: LookupItem
    ) throws(ExpansionError) -> (LookupType, any LookupDriver) {
        let found: (type: LookupType, driver: any LookupDriver)
        do {
            found = try environment.lookups.resolve(item.type)
        } catch {
            throw .failed(error.text)
        }
        if item.key == nil, found.driver.style == .singleKey {
            throw .failed("missing {key} for single-key \"\(found.type.name)\" lookup")
        }
        if item.key != nil, found.driver.style == .query {
            throw .failed(
                "a single key was given for lookup type \"\(found.type.name)\", which is not a single-key lookup type"
            )
        }
        return found
    }

    /// How `wildlsearch` expands the keys in its file.
    func keyExpander() -> @Sendable (ByteString) async -> Result<ByteString, LookupTrouble> {
        let (facts, depth) = (facts, depth)
        return { key in
            var inner = Evaluation(expander, facts, depth: depth + 1)
            do throws(ExpansionError) {
                return .success(try await inner.expand(Template(key)).bytes)
            } catch {
                return .failure(
                    LookupTrouble("failed to expand \"\(key)\" while checking a list: \(error.text)"))
            }
        }
    }
}
