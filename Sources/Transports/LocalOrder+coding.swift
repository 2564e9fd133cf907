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
        coder.pass(&fcntlTimeout)
        coder.pass(&flockTimeout)
        coder.pass(&allowsFIFO)
        coder.pass(&quota)
        coder.pass(list: &formats, blank: FileFormat(start: "", transport: "")) { $0.pass(&$1) }
        coder.pass(&comsatName)
        coder.pass(&folderPattern)
        coder.pass(&step)
        coder.pass(&written)
        coder.pass(&finalName)
        coder.pass(&maildirTag)
        coder.pass(&maildirRetries)
    }
}

extension LocalOrder.FileFormat: FieldCoded {
    mutating func pass(through coder: inout FieldCoder) {
        coder.pass(&start)
        coder.pass(&transport)
    }
}

extension WrittenFile: FieldCoded {
    mutating func pass(through coder: inout FieldCoder) {
        coder.pass(&path)
        coder.pass(&name)
        coder.pass(&inode)
        coder.pass(&size)
        coder.pass(&mailboxSize)
    }
}

extension MailboxFindings: FieldCoded {
    mutating func pass(through coder: inout FieldCoder) {
        coder.pass(&isExceeded)
        coder.pass(optional: &written, blank: WrittenFile()) { $0.pass(&$1) }
        coder.pass(&transport)
        coder.pass(&format)
    }
}
