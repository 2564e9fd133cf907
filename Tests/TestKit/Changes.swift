package import Bytes

extension ByteString {
    /// The octets with each occurrence of a piece replaced by another.
    package func changed(_ piece: ByteString, to other: ByteString) -> ByteString {
        replacing(piece, with: other)
    }
}
