import Bytes

/// One piece of a compiled template.
indirect enum Node: Sendable, Hashable {
    case literal(ByteString)
    case variable(ByteString, isBraced: Bool)
    case capture(Int)
    case header(HeaderReference)
    case operation(OperatorCall, [Node])
    case condition(Condition, Branches)
    case lookup(LookupItem)
    case item(ItemCall)
    case each(ListItem)
    case run(RunItem)
}

/// The text between one pair of braces.
struct Group: Sendable, Hashable {
    var nodes: [Node]
    /// Where the opening brace stands in the source.
    var start: Int
}

/// `$h_subject:` and its relatives.
struct HeaderReference: Sendable, Hashable {
    /// How the header lines are put together and decoded (manual, section 11.5).
    enum Form: Sendable, Hashable { case decoded, basic, raw, list }

    var form: Form
    var name: ByteString
}

/// What is used when something succeeded or failed: `{yes}{no}`, `{yes}fail`, or nothing.
struct Branches: Sendable, Hashable {
    enum Alternative: Sendable, Hashable {
        case nothing
        case text([Node])
        case fail
    }

    var yes: [Node]?
    var no: Alternative = .nothing
}

/// The item `${name_2_3:...}`.
struct OperatorCall: Sendable, Hashable {
    var name: Operator
    /// The numbers after the name.
    var first: Int?
    var second: Int?
    /// What followed the first underscore, for operators that take a word.
    var suffix: ByteString = ""
}

/// An item whose arguments are only known for what they are when it is evaluated.
struct ItemCall: Sendable, Hashable {
    var name: ItemName
    var groups: [Group]
    /// `json` or `jsons` after `extract`.
    var word: ByteString = ""
    /// `fail` after the last group, and where it stands.
    var failPlace: Int?
    /// The source, for texts that quote the rest of it.
    var source: ByteString
}

/// Items that all take a fixed number of arguments, and those that take two or four ways.
enum ItemName: String, Sendable, Hashable {
    case acl, authresults, certextract, dlfunc, env, extract, hash, hmac, imapfolder, length, listextract
    case listquote, nhash, perl, prvs, prvscheck, readfile, readsocket, sg
    case srsEncode = "srs_encode"
    case substr, tr

    /// The least and the most arguments; nil for items that take branches.
    var arguments: ClosedRange<Int>? {
        switch self {
        case .acl: 1...10
        case .authresults: 1...1
        case .dlfunc: 2...10
        case .hash, .nhash, .substr, .prvs: 2...3
        case .hmac, .sg, .tr, .srsEncode: 3...3
        case .imapfolder: 1...3
        case .length, .listquote: 2...2
        case .perl: 1...9
        case .prvscheck: 2...3
        case .readfile: 1...2
        case .readsocket: 2...5
        case .certextract, .env, .extract, .listextract: nil
        }
    }
}

/// The item `${lookup ...}`.
struct LookupItem: Sendable, Hashable {
    var type: ByteString
    /// The key; nil for the query style.
    var key: [Node]?
    /// The file or the query.
    var target: [Node]
    var branches: Branches
}

/// The items `${filter`, `${map`, `${reduce`, `${sort`.
indirect enum ListItem: Sendable, Hashable {
    case filter([Node], Condition)
    case map([Node], [Node])
    case reduce([Node], start: [Node], [Node])
    case sort([Node], comparator: [Node], extractor: [Node])
}

/// The item `${run`.
struct RunItem: Sendable, Hashable {
    /// The arguments, each to be expanded on its own; nil with `preexpand`.
    var arguments: [Template]?
    /// The command as written.
    var command: ByteString
    /// The command to be expanded as a whole, with `preexpand`.
    var whole: [Node]
    var branches: Branches
}

/// What `${if` tests.
indirect enum Condition: Sendable, Hashable {
    /// How strings or numbers are compared.
    enum Relation: Sendable, Hashable { case equal, less, lessOrEqual, greater, greaterOrEqual }

    /// Conditions of one string.
    enum Test: String, Sendable, Hashable {
        case bool
        case boolLax = "bool_lax"
        case exists, isip, isip4, isip6, ldapauth, pam, pwcheck, radius
    }

    /// Lists that a condition matches against.
    enum List: Sendable, Hashable { case domain, address, localPart, ip }

    case not(Condition)
    case all([Condition])
    case any([Condition])
    case definedVariable(ByteString)
    case definedHeader(HeaderReference)
    case strings(Relation, ignoringCase: Bool, [Node], [Node])
    case numbers(Relation, [Node], [Node])
    case test(Test, [Node])
    case pattern([Node], [Node])
    case list(List, [Node], ListText)
    case member(ignoringCase: Bool, [Node], [Node])
    case each(all: Bool, EachElement, [Node], Condition)
    case crypt([Node], [Node])
    case acl([Group])
    case saslauthd([Group])
    case inboundSRS([Node], [Node])
    case firstDelivery
    case queueRunning

    /// What `forall` and its relatives walk over.
    enum EachElement: String, Sendable, Hashable {
        case item = ""
        case json = "_json"
        case jsonString = "_jsons"
    }
}
