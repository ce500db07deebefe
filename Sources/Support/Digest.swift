internal import CCrypto

/// SHA-256 of `bytes` as 64 hexadecimal digits (FIPS 180-4, through libcrypto).
public func sha256(_ bytes: [UInt8]) -> String {
  var digest = [UInt8](repeating: 0, count: 32)
  var length: UInt32 = 0
  let done = EVP_Digest(bytes, bytes.count, &digest, &length, EVP_sha256(), nil)
  precondition(done == 1 && length == 32, "EVP_Digest failed")
  let digits = Array("0123456789abcdef".utf8)
  return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
