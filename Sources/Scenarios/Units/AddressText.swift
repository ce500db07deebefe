internal import Glibc

/// Whether `text` is an IPv4 or IPv6 address.
func isAddress(_ text: String) -> Bool {
  var four = in_addr()
  var six = in6_addr()
  return inet_pton(AF_INET, text, &four) == 1 || inet_pton(AF_INET6, text, &six) == 1
}
