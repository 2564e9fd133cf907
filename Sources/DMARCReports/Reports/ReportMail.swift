package import Bytes
import MailText

/// A report as a mail to one recipient (RFC 7489, section 7.2.1.1).
package struct ReportMail: Sendable, Hashable {
    /// The envelope sender.
    package var sender: ByteString
    /// The recipient.
    package var recipient: ByteString
    /// Header lines and body, with LF line ends.
    package var message: ByteString

    /// Makes the mail.
    ///
    /// - Parameters:
    ///   - report: what it is about.
    ///   - file: the compressed report.
    ///   - route: from whom, to whom, when.
    package init(_ report: AggregateReport, file: ByteString, route: Route) {
        let organization = route.organization
        let name: ByteString = "\(report.fileName(of: organization)).gz"
        let boundary: ByteString = "report.\(report.interval.begin).\(file.count)"
        sender = organization.email
        recipient = route.recipient
        message =
            Self.head(report, boundary, route) + Self.words(report, boundary, organization)
            + Self.attachment(file, name, boundary)
    }

    /// From whom a mail goes to whom, and when.
    package struct Route: Sendable, Hashable {
        /// Who reports.
        package var organization: ReportingOrganization
        /// The mailbox.
        package var recipient: ByteString
        /// The time, in seconds since 1970.
        package var now: Int64

        /// Makes a route.
        package init(organization: ReportingOrganization, recipient: ByteString, now: Int64) {
            self.organization = organization
            self.recipient = recipient
            self.now = now
        }
    }

    private static func head(_ report: AggregateReport, _ boundary: ByteString, _ route: Route) -> ByteString
    {
        let organization = route.organization
        let id = report.id(of: organization)
        let date = CivilTime(seconds: Int(route.now), offset: 0).headerDate
        var text: ByteString = "From: \(organization.email)\nTo: \(route.recipient)\nDate: \(date)\n"
        text += "Subject: Report Domain: \(report.domain)\n Submitter: \(organization.name)\n" as ByteString
        text += " Report-ID: <\(id)>\nMessage-ID: <\(id)>\n" as ByteString
        text += "Auto-Submitted: auto-generated\nMIME-Version: 1.0\n" as ByteString
        text += "Content-Type: multipart/mixed; boundary=\"\(boundary)\"\n\n" as ByteString
        return text
    }

    private static func words(
        _ report: AggregateReport, _ boundary: ByteString, _ organization: ReportingOrganization
    ) -> ByteString {
        """
        --\(boundary)
        Content-Type: text/plain; charset=us-ascii

        This is a DMARC aggregate report for \(report.domain),
        about \(report.messages) message(s) that \(organization.name)
        saw on \(report.interval.name) (UTC).

        """
    }

    private static func attachment(_ file: ByteString, _ name: ByteString, _ boundary: ByteString)
        -> ByteString
    {
        var text: ByteString = "--\(boundary)\nContent-Type: application/gzip;\n name=\"\(name)\"\n"
        text += "Content-Transfer-Encoding: base64\n" as ByteString
        text += "Content-Disposition: attachment;\n filename=\"\(name)\"\n\n" as ByteString
        var rest = Base64.encode(file).bytes[...]
        text.reserveCapacity(text.count + rest.count + rest.count / 76 + boundary.count + 8)
        while !rest.isEmpty {
            text += rest.prefix(76)
            text.append(.newline)
            rest = rest.dropFirst(76)
        }
        text += "--\(boundary)--\n" as ByteString
        return text
    }
}
