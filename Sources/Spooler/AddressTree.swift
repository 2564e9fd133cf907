public import Bytes

/// The non-recipients tree of `-H`: the addresses that get no more copies.
///
/// An AVL tree in octet order that grows exactly as Exim's does (Knuth, volume 3, 6.2.3, algorithm A), so
/// that the same insertions give the same lines. A tree from a file may be unbalanced (it stays usable) or
/// out of order: Exim then misses names and delivers again; here such a tree is searched through, and put
/// in order when it changes.
public struct AddressTree: Sendable, Equatable {
    private struct Node: Sendable {
        var name: ByteString
        var left: Int32 = -1
        var right: Int32 = -1
        var balance: Int8 = 0

        /// The child on one side: the left one for -1, the right one for 1.
        subscript(side: Int8) -> Int32 {
            get { side < 0 ? left : right }
            set { if side < 0 { left = newValue } else { right = newValue } }
        }
    }

    private var nodes: [Node] = []
    private var root: Int32 = -1
    private var isSorted = true
    /// The flags other than `Y` and `N` of a tree that came from a file: the lines as they were.
    private var spelling: ByteString?

    /// Whether both trees make the same lines.
    public static func == (one: AddressTree, other: AddressTree) -> Bool {
        guard one.count == other.count else { return false }
        var (mine, theirs): ([UInt8], [UInt8]) = ([], [])
        one.write(to: &mine)
        other.write(to: &theirs)
        return mine == theirs
    }

    /// Makes an empty tree.
    public init() {}

    /// Whether nobody is excluded.
    public var isEmpty: Bool { nodes.isEmpty }

    /// How many names there are.
    public var count: Int { nodes.count }

    /// Whether the tree that was read was in order; Exim overlooks names in one that is not.
    public var isInOrder: Bool { isSorted }

    /// Whether a name is in the tree, spelled exactly so.
    public func contains(_ name: ByteString) -> Bool {
        guard isSorted else { return nodes.contains { $0.name == name } }
        var place = root
        while place >= 0 {
            let node = nodes[Int(place)]
            if node.name == name { return true }
            place = name < node.name ? node.left : node.right
        }
        return false
    }

    /// The names in the order in which a file has them: a name, then what is below it on its left, on its right.
    public var namesInFileOrder: [ByteString] {
        guard isSorted, root >= 0 else { return nodes.map(\.name) }
        var result: [ByteString] = []
        var waiting = [root]
        while let place = waiting.popLast() {
            let node = nodes[Int(place)]
            result.append(node.name)
            if node.right >= 0 { waiting.append(node.right) }
            if node.left >= 0 { waiting.append(node.left) }
        }
        return result
    }

    /// The names in octet order.
    public var names: [ByteString] {
        guard isSorted else { return nodes.map(\.name).sorted() }
        var result: [ByteString] = []
        result.reserveCapacity(nodes.count)
        var open: [Int32] = []
        var place = root
        while place >= 0 || !open.isEmpty {
            while place >= 0 {
                open.append(place)
                place = nodes[Int(place)].left
            }
            let node = nodes[Int(open.removeLast())]
            result.append(node.name)
            place = node.right
        }
        return result
    }
}

// MARK: - Insertion

extension AddressTree {
    /// Adds a name; false when it was there already.
    @discardableResult
    public mutating func insert(_ name: ByteString) -> Bool {
        if !isSorted { putInOrder() }
        guard root >= 0 else {
            nodes = [Node(name: name)]
            root = 0
            return true
        }
        // The deepest node on the way down whose sides differ, and its parent: the only place where the
        // tree may turn.
        var pivot = root
        var pivotParent: Int32 = -1
        var parent: Int32 = -1
        var place = root
        while place >= 0 {
            let node = nodes[Int(place)]
            if node.name == name { return false }
            if node.balance != 0 {
                pivot = place
                pivotParent = parent
            }
            parent = place
            place = name < node.name ? node.left : node.right
        }
        let new = Int32(nodes.count)
        nodes.append(Node(name: name))
        nodes[Int(parent)][side(of: name, at: parent)] = new
        spelling = nil
        rebalance(from: pivot, below: pivotParent, to: new)
        return true
    }

    private func side(of name: ByteString, at place: Int32) -> Int8 { name < nodes[Int(place)].name ? -1 : 1 }

    private mutating func rebalance(from pivot: Int32, below pivotParent: Int32, to new: Int32) {
        let name = nodes[Int(new)].name
        let direction = side(of: name, at: pivot)
        let child = nodes[Int(pivot)][direction]
        var place = child
        while place != new {
            let next = side(of: name, at: place)
            nodes[Int(place)].balance = next
            place = nodes[Int(place)][next]
        }
        switch nodes[Int(pivot)].balance {
        case 0: nodes[Int(pivot)].balance = direction
        case -direction: nodes[Int(pivot)].balance = 0
        default: turn(pivot, direction, below: pivotParent)
        }
    }

    /// Turns the subtree at `pivot`, which has grown too deep in `direction`, once or twice.
    private mutating func turn(_ pivot: Int32, _ direction: Int8, below pivotParent: Int32) {
        let child = nodes[Int(pivot)][direction]
        let top: Int32
        if nodes[Int(child)].balance == direction {
            top = child
            nodes[Int(pivot)][direction] = nodes[Int(child)][-direction]
            nodes[Int(child)][-direction] = pivot
            nodes[Int(pivot)].balance = 0
            nodes[Int(child)].balance = 0
        } else {
            top = nodes[Int(child)][-direction]
            // Only a tree that was read unbalanced has nothing there; it is left as it is.
            guard top >= 0 else { return }
            nodes[Int(child)][-direction] = nodes[Int(top)][direction]
            nodes[Int(top)][direction] = child
            nodes[Int(pivot)][direction] = nodes[Int(top)][-direction]
            nodes[Int(top)][-direction] = pivot
            let balance = nodes[Int(top)].balance
            nodes[Int(pivot)].balance = balance == direction ? -direction : 0
            nodes[Int(child)].balance = balance == -direction ? direction : 0
            nodes[Int(top)].balance = 0
        }
        if pivotParent < 0 {
            root = top
        } else if nodes[Int(pivotParent)].left == pivot {
            nodes[Int(pivotParent)].left = top
        } else {
            nodes[Int(pivotParent)].right = top
        }
    }

    /// Builds the tree anew, so that every name can be found.
    mutating func putInOrder() {
        var ordered = AddressTree()
        for node in nodes { ordered.insert(node.name) }
        self = ordered
    }
}

// MARK: - The lines of a file

extension AddressTree {
    /// Makes a tree of its lines in the file, each two flags, a blank and a name: a node, its left side,
    /// its right side.
    ///
    /// As many lines are read as the flags announce. The shape is taken as it is.
    init(reading reader: inout LineReader) throws(SpoolFormatError) {
        var waiting: [(parent: Int32, side: Int8)] = [(-1, 0)]
        var original = ByteString()
        var isCanonical = true
        while let (parent, side) = waiting.popLast() {
            let line = try reader.next()
            guard line.count >= 4 else { throw reader.error(.badTree) }
            let (left, right) = (line[line.startIndex], line[line.startIndex + 1])
            isCanonical =
                isCanonical && Self.isFlag(left) && Self.isFlag(right) && line[line.startIndex + 2] == .blank
            original += line
            original.append(.newline)
            let place = Int32(nodes.count)
            nodes.append(Node(name: ByteString(line.dropFirst(3))))
            if parent >= 0 { nodes[Int(parent)][side] = place }
            if right == UInt8(ascii: "Y") { waiting.append((place, 1)) }
            if left == UInt8(ascii: "Y") { waiting.append((place, -1)) }
        }
        root = 0
        spelling = isCanonical ? nil : original
        setBalances()
        isSorted = orderIsRight()
    }

    private static func isFlag(_ octet: UInt8) -> Bool {
        octet == UInt8(ascii: "Y") || octet == UInt8(ascii: "N")
    }

    /// Finds which side of each node is deeper; children stand behind their parents in the array.
    private mutating func setBalances() {
        var depths = [Int32](repeating: 1, count: nodes.count)
        for place in nodes.indices.reversed() {
            let left = nodes[place].left < 0 ? 0 : depths[Int(nodes[place].left)]
            let right = nodes[place].right < 0 ? 0 : depths[Int(nodes[place].right)]
            depths[place] = max(left, right) + 1
            nodes[place].balance = left > right ? -1 : left < right ? 1 : 0
        }
    }

    private func orderIsRight() -> Bool {
        let found = names
        return zip(found, found.dropFirst()).allSatisfy { $0 < $1 }
    }

    /// Appends the lines that the file holds: `XX` for the empty tree, else one for each node.
    func write(to octets: inout [UInt8]) {
        if let spelling { return octets.append(contentsOf: spelling.bytes) }
        guard root >= 0 else { return octets.append(contentsOf: "XX\n".utf8) }
        var waiting = [root]
        while let place = waiting.popLast() {
            let node = nodes[Int(place)]
            octets.append(UInt8(ascii: node.left < 0 ? "N" : "Y"))
            octets.append(UInt8(ascii: node.right < 0 ? "N" : "Y"))
            octets.append(.blank)
            octets.append(contentsOf: node.name.bytes)
            octets.append(.newline)
            if node.right >= 0 { waiting.append(node.right) }
            if node.left >= 0 { waiting.append(node.left) }
        }
    }

    /// The first name that a line of the tree cannot hold.
    var unwritableName: ByteString? {
        nodes.lazy.map(\.name).first {
            $0.isEmpty || $0.count > HeaderFile.maximumLineLength - 4 || $0.contains(0)
                || $0.contains(.newline)
        }
    }
}
