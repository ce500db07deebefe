internal import CCrypto

/// A hash function that keys are derived and messages proven with.
public enum HashFunction: String, Sendable, Hashable, CaseIterable {
  /// FIPS 180-4, 32 bytes.
  case sha256 = "SHA256"
  /// FIPS 180-4, 64 bytes.
  case sha512 = "SHA512"

  /// How many bytes it gives.
  public var byteCount: Int { self == .sha256 ? 32 : 64 }

  private var method: OpaquePointer? { self == .sha256 ? EVP_sha256() : EVP_sha512() }

  /// The digest of `bytes`.
  public func digest(_ bytes: [UInt8]) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: byteCount)
    var length: UInt32 = 0
    let done = EVP_Digest(bytes, bytes.count, &result, &length, method, nil)
    precondition(done == 1 && Int(length) == byteCount, "EVP_Digest failed")
    return result
  }

  /// The keyed digest of `bytes` (HMAC, RFC 2104).
  ///
  /// - Parameter key: not empty.
  public func hmac(_ bytes: [UInt8], key: [UInt8]) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: byteCount)
    var length = 0
    let made = EVP_Q_mac(
      nil, "HMAC", nil, rawValue, nil, key, key.count, bytes, bytes.count, &result, result.count, &length)
    precondition(made != nil && length == byteCount, "EVP_Q_mac failed")
    return result
  }

  /// A key out of a password (PBKDF2, RFC 8018), as long as the digest.
  ///
  /// - Parameter rounds: at least 1; the time that it takes grows with it.
  public func key(fromPassword password: [UInt8], salt: [UInt8], rounds: Int) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: byteCount)
    let done = password.withUnsafeBytes { bytes in
      PKCS5_PBKDF2_HMAC(
        bytes.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(clamping: bytes.count), salt,
        Int32(clamping: salt.count), Int32(clamping: max(1, rounds)), method, Int32(byteCount), &result)
    }
    precondition(done == 1, "PKCS5_PBKDF2_HMAC failed")
    return result
  }
}
