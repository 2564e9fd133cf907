package import Bytes

/// Hides what differs between two runs of the same dialogue: ids, times, ports, process numbers, product names.
///
/// What has a fixed width keeps it, so that lengths in `-H` files still tell something.
package func masked(_ text: String) -> String {
    var text = text
    text.replace(
        /\bE?1[0-9A-Za-z]{5}-[0-9A-Za-z]{11}-[0-9A-Za-z]{4}\b/.wordBoundaryKind(.simple), with: "<id>")
    text.replace(
        /\bE?1[0-9A-Za-z]{5}-[0-9A-Za-z]{6}-[0-9A-Za-z]{2}\b/.wordBoundaryKind(.simple), with: "<id>")
    text.replace(/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}/, with: "<time>")
    text.replace(
        /[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4}/,
        with: "<date>")
    text.replace(/[0-9]+-eximdsn-[0-9]+/, with: "<boundary>")
    text.replace(/-received_time_usec \.[0-9]{6}/, with: "-received_time_usec .<usec>")
    text.replace(/-received_time_complete [0-9]+\.[0-9]{6}/, with: "-received_time_complete <epoch>")
    text.replace(/\b[12][0-9]{9}\b/.wordBoundaryKind(.simple), with: "<epoch>")
    text.replace(/\]:[0-9]{2,5}/, with: "]:<port>")
    text.replace(/port=[0-9]{2,5}/, with: "port=<port>")
    text.replace(/\((?:Exim|Bobbin) [0-9][0-9.]*\)/, with: "(<product>)")
    text.replace(/(?:Exim|Bobbin) [0-9][0-9.]*/, with: "<product>")
    text.replace(/\b(QT|DT|RT|D)=[0-9.smhd]+/) { "\($0.1)=<interval>" }
    text.replace(/\bpid=[0-9]+/, with: "pid=<pid>")
    return text
}

/// Octets with what differs between two runs hidden.
package func masked(_ octets: ByteString) -> String { masked(Latin1.text(octets)) }

extension String {
    /// The text with a port's number hidden; whole numbers only, since the digits may stand in a time.
    package func hiding(port: Int) -> String {
        replacing(/[0-9]+/) { $0.0 == "\(port)" ? "<wire>" : String($0.0) }
    }
}
