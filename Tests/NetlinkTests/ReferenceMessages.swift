import CMnl
import CNftnl

/// The same messages as built by libnftnl and libmnl, in this process: an independent witness for our encoders.
enum Reference {
  static func table(_ name: String, flags: UInt32) -> [UInt8] {
    message(type: 0, family: 1, flags: 0x600) { header in
      let table = nftnl_table_alloc()
      defer { nftnl_table_free(table) }
      nftnl_table_set_str(table, number(NFTNL_TABLE_NAME), name)
      nftnl_table_set_u32(table, number(NFTNL_TABLE_FLAGS), flags)
      nftnl_table_nlmsg_build_payload(header, table)
    }
  }

  static func deleteTable(_ name: String) -> [UInt8] {
    message(type: 2, family: 1, flags: 0) { header in
      let table = nftnl_table_alloc()
      defer { nftnl_table_free(table) }
      nftnl_table_set_str(table, number(NFTNL_TABLE_NAME), name)
      nftnl_table_nlmsg_build_payload(header, table)
    }
  }

  static func chain(_ name: String, table: String, hook: UInt32, priority: Int32) -> [UInt8] {
    message(type: 3, family: 1, flags: 0x400) { header in
      let chain = nftnl_chain_alloc()
      defer { nftnl_chain_free(chain) }
      nftnl_chain_set_str(chain, number(NFTNL_CHAIN_TABLE), table)
      nftnl_chain_set_str(chain, number(NFTNL_CHAIN_NAME), name)
      nftnl_chain_set_u32(chain, number(NFTNL_CHAIN_HOOKNUM), hook)
      nftnl_chain_set_s32(chain, number(NFTNL_CHAIN_PRIO), priority)
      nftnl_chain_set_u32(chain, number(NFTNL_CHAIN_POLICY), 1)
      nftnl_chain_set_str(chain, number(NFTNL_CHAIN_TYPE), "filter")
      nftnl_chain_nlmsg_build_payload(header, chain)
    }
  }

  static func set(
    _ name: String, table: String, id: UInt32, keyType: UInt32, keyLength: UInt32, flags: UInt32, size: UInt32
  ) -> [UInt8] {
    message(type: 9, family: 1, flags: 0x400) { header in
      let set = nftnl_set_alloc()
      defer { nftnl_set_free(set) }
      nftnl_set_set_str(set, number(NFTNL_SET_TABLE), table)
      nftnl_set_set_str(set, number(NFTNL_SET_NAME), name)
      nftnl_set_set_u32(set, number(NFTNL_SET_FLAGS), flags)
      nftnl_set_set_u32(set, number(NFTNL_SET_KEY_TYPE), keyType)
      nftnl_set_set_u32(set, number(NFTNL_SET_KEY_LEN), keyLength)
      nftnl_set_set_u32(set, number(NFTNL_SET_ID), id)
      nftnl_set_set_u32(set, number(NFTNL_SET_DESC_SIZE), size)
      nftnl_set_nlmsg_build_payload(header, set)
    }
  }

  static func elements(
    set name: String, table: String, id: UInt32?, keys: [[UInt8]], timeout: UInt64?, expiration: UInt64?,
    type: UInt16 = 12, flags: UInt16 = 0x400
  ) -> [UInt8] {
    message(type: type, family: 1, flags: flags) { header in
      let set = nftnl_set_alloc()
      defer { nftnl_set_free(set) }
      nftnl_set_set_str(set, number(NFTNL_SET_TABLE), table)
      nftnl_set_set_str(set, number(NFTNL_SET_NAME), name)
      if let id { nftnl_set_set_u32(set, number(NFTNL_SET_ID), id) }
      for key in keys {
        // The set takes the element over.
        let element = nftnl_set_elem_alloc()
        nftnl_set_elem_set(element, number(NFTNL_SET_ELEM_KEY), key, UInt32(key.count))
        if let timeout { nftnl_set_elem_set_u64(element, number(NFTNL_SET_ELEM_TIMEOUT), timeout) }
        if let expiration { nftnl_set_elem_set_u64(element, number(NFTNL_SET_ELEM_EXPIRATION), expiration) }
        nftnl_set_elem_add(set, element)
      }
      nftnl_set_elems_nlmsg_build_payload(header, set)
    }
  }

  /// `meta nfproto FAMILY ip saddr @set counter drop`, as in `nft add rule`.
  static func dropRule(
    table: String, chain: String, family: UInt8, offset: UInt32, length: UInt32, set: String, id: UInt32
  ) -> [UInt8] {
    rule(table: table, chain: chain) { add in
      add.meta(15)
      add.compare(0, family)
      add.payload(base: 1, offset: offset, length: length)
      add.append("lookup") {
        nftnl_expr_set_u32($0, number(NFTNL_EXPR_LOOKUP_SREG), 1)
        nftnl_expr_set_str($0, number(NFTNL_EXPR_LOOKUP_SET), set)
        nftnl_expr_set_u32($0, number(NFTNL_EXPR_LOOKUP_SET_ID), id)
      }
      add.append("counter") { _ in }
      add.verdict(0)
    }
  }

  /// `meta l4proto 58 @th,0,8 >= 133 @th,0,8 <= 137 accept`
  static func passDiscoveryRule(table: String, chain: String) -> [UInt8] {
    rule(table: table, chain: chain) { add in
      add.meta(16)
      add.compare(0, 58)
      add.payload(base: 2, offset: 0, length: 1)
      add.compare(5, 133)
      add.compare(3, 137)
      add.verdict(1)
    }
  }

  private static func rule(table: String, chain: String, _ fill: (Expressions) -> Void) -> [UInt8] {
    message(type: 6, family: 1, flags: 0xC00) { header in
      let rule = nftnl_rule_alloc()
      defer { nftnl_rule_free(rule) }
      nftnl_rule_set_str(rule, number(NFTNL_RULE_TABLE), table)
      nftnl_rule_set_str(rule, number(NFTNL_RULE_CHAIN), chain)
      fill(Expressions(rule: rule))
      nftnl_rule_nlmsg_build_payload(header, rule)
    }
  }

  private struct Expressions {
    let rule: OpaquePointer?

    func append(_ name: String, _ fill: (OpaquePointer?) -> Void) {
      // The rule takes the expression over.
      let expression = nftnl_expr_alloc(name)
      fill(expression)
      nftnl_rule_add_expr(rule, expression)
    }

    func meta(_ key: UInt32) {
      append("meta") {
        nftnl_expr_set_u32($0, number(NFTNL_EXPR_META_KEY), key)
        nftnl_expr_set_u32($0, number(NFTNL_EXPR_META_DREG), 1)
      }
    }

    func compare(_ operation: UInt32, _ value: UInt8) {
      append("cmp") {
        nftnl_expr_set_u32($0, number(NFTNL_EXPR_CMP_SREG), 1)
        nftnl_expr_set_u32($0, number(NFTNL_EXPR_CMP_OP), operation)
        nftnl_expr_set($0, number(NFTNL_EXPR_CMP_DATA), [value], 1)
      }
    }

    func payload(base: UInt32, offset: UInt32, length: UInt32) {
      append("payload") {
        nftnl_expr_set_u32($0, number(NFTNL_EXPR_PAYLOAD_DREG), 1)
        nftnl_expr_set_u32($0, number(NFTNL_EXPR_PAYLOAD_BASE), base)
        nftnl_expr_set_u32($0, number(NFTNL_EXPR_PAYLOAD_OFFSET), offset)
        nftnl_expr_set_u32($0, number(NFTNL_EXPR_PAYLOAD_LEN), length)
      }
    }

    func verdict(_ code: UInt32) {
      append("immediate") {
        nftnl_expr_set_u32($0, number(NFTNL_EXPR_IMM_DREG), 0)
        nftnl_expr_set_u32($0, number(NFTNL_EXPR_IMM_VERDICT), code)
      }
    }
  }

  static func marker(_ type: UInt16) -> [UInt8] {
    build { buffer in
      if type == 0x10 { nftnl_batch_begin(buffer, 0) } else { nftnl_batch_end(buffer, 0) }
    }
  }

  private static func message(
    type: UInt16, family: UInt16, flags: UInt16, _ fill: (UnsafeMutablePointer<nlmsghdr>?) -> Void
  ) -> [UInt8] {
    build { buffer in
      let header = nftnl_nlmsg_build_hdr(buffer, type, family, flags, 0)
      fill(header)
      return header
    }
  }

  private static func build(_ body: (UnsafeMutablePointer<CChar>) -> UnsafeMutablePointer<nlmsghdr>?) -> [UInt8] {
    var buffer = [CChar](repeating: 0, count: 1 << 17)
    return buffer.withUnsafeMutableBufferPointer { pointer in
      guard let base = pointer.baseAddress, let header = body(base) else { return [] }
      return pointer.prefix(Int(header.pointee.nlmsg_len)).map { UInt8(bitPattern: $0) }
    }
  }
}

/// The importer makes integers of anonymous enums and structs of named ones.
private func number(_ value: Int) -> UInt16 { UInt16(value) }
private func number<T: RawRepresentable>(_ value: T) -> UInt16 where T.RawValue == UInt32 { UInt16(value.rawValue) }
