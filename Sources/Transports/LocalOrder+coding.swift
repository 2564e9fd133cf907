package import Bytes

extension LocalOrder: FieldCoded {
    static var blank: LocalOrder {
        LocalOrder(transport: "", kind: .mailbox, path: "", uid: 0, gid: 0, hostName: "")
    }

    /// The order as octets.
    package var encoded: ByteString {
        var coder = FieldCoder()
        var copy = self
        copy.pass(through: &coder)
        return coder.octets
    }

    /// Reads an order; nil for octets that are none.
    package init?(decoding octets: ByteString) {
        guard let order = Self.decoded(octets, into: .blank) else { return nil }
        self = order
    }

    mutating func pass(through coder: inout FieldCoder) {
        coder.pass(&transport)
        coder.pass(&kind)
        coder.pass(&path)
        coder.pass(&uid)
        coder.pass(&gid)
        coder.pass(&hostName)
        coder.pass(&content)
        coder.pass(&mode)
        coder.pass(&failsNarrower)
        coder.pass(&directoryMode)
        coder.pass(&createsDirectory)
        coder.pass(&createFile)
        coder.pass(&home)
        coder.pass(&mustExist)
        coder.pass(&allowsSymlink)
        coder.pass(&checksOwner)
        coder.pass(&checksGroup)
        coder.pass(&usesLockFile)
        coder.pass(&usesFcntl)
        coder.pass(&usesFlock)
        coder.pass(&lockRetries)
        coder.pass(&lockInterval)
        coder.pass(&lockFileMode)
        coder.pass(&lockFileTimeout)
        coder.pass(&quota)
        coder.pass(&quotaIsInclusive)
        coder.pass(&maildirTag)
        coder.pass(&maildirRetries)
    }
}
