import java.lang.reflect.*;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.protocol.*;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.*;
import org.apache.kafka.coordinator.group.generated.*;

/**
 * Writes records and batches with Kafka's own classes, for the tests that read them.
 *
 *   java -cp "$KAFKA_HOME/libs/*" MakeRecords.java .
 *
 * records.txt: one record a line, `kind|key in hex|value in hex|fields`. batches.log: record batches. legacy-0.log, legacy-1.log:
 * message sets as Kafka wrote before 0.11.
 */
public class MakeRecords {
  static final StringBuilder text = new StringBuilder();

  static void line(String kind, byte[] key, byte[] value, String fields) {
    var hex = HexFormat.of();
    text.append(kind).append('|').append(hex.formatHex(key)).append('|').append(value == null ? "null" : hex.formatHex(value))
        .append('|').append(fields).append('\n');
  }

  /** Calls what Kafka keeps to its own package. */
  static byte[] bytes(Object object, String method) throws Exception {
    Method m = object.getClass().getDeclaredMethod(method);
    m.setAccessible(true);
    return (byte[]) m.invoke(object);
  }

  static Object make(String name, Class<?>[] types, Object... values) throws Exception {
    Constructor<?> c = Class.forName("org.apache.kafka.connect.mirror." + name).getDeclaredConstructor(types);
    c.setAccessible(true);
    return c.newInstance(values);
  }

  static void mirror() throws Exception {
    long[][] pairs = {{0, 0}, {123, 45}, {Long.MAX_VALUE, 1}, {7, -1}, {1L << 40, (1L << 41) + 3}};
    String[] topics = {"orders.us", "grüße", "a".repeat(249)};
    for (String topic : topics) for (long[] pair : pairs) {
      var place = new TopicPartition(topic, topic.length() % 100);
      Object sync = make("OffsetSync", new Class<?>[] {TopicPartition.class, long.class, long.class}, place, pair[0], pair[1]);
      line("offset-sync", bytes(sync, "recordKey"), bytes(sync, "recordValue"),
          topic + "|" + place.partition() + "|" + pair[0] + "|" + pair[1]);
      Object checkpoint = make("Checkpoint",
          new Class<?>[] {String.class, TopicPartition.class, long.class, long.class, String.class},
          "billing", new TopicPartition("east." + topic, 3), pair[0], pair[1], topic.equals("grüße") ? "Notiz: ü" : "");
      line("checkpoint", bytes(checkpoint, "recordKey"), bytes(checkpoint, "recordValue"),
          "billing|east." + topic + "|3|" + pair[0] + "|" + pair[1] + "|" + (topic.equals("grüße") ? "Notiz: ü" : ""));
      Object beat = make("Heartbeat", new Class<?>[] {String.class, String.class, long.class}, "eu", "east", pair[0]);
      line("heartbeat", bytes(beat, "recordKey"), bytes(beat, "recordValue"), "eu|east|" + pair[0]);
    }
  }

  static void offsets() {
    byte[] key = MessageUtil.toCoordinatorTypePrefixedBytes(
        new OffsetCommitKey().setGroup("billing").setTopic("orders.us").setPartition(7));
    for (short version = OffsetCommitValue.LOWEST_SUPPORTED_VERSION; version <= OffsetCommitValue.HIGHEST_SUPPORTED_VERSION; version++) {
      var value = new OffsetCommitValue().setOffset(1_234_567_890_123L).setMetadata("by hand").setCommitTimestamp(1_700_000_000_000L);
      if (version == 1) value.setExpireTimestamp(1_700_000_600_000L);
      if (version >= 3) value.setLeaderEpoch(5);
      if (version >= 4) value.setTopicId(Uuid.fromString("AAECAwQFBgcICQoLDA0ODw"));
      line("commit", key, MessageUtil.toVersionPrefixedBytes(version, value), "billing|orders.us|7|" + version);
    }
    for (short version = LegacyOffsetCommitValue.LOWEST_SUPPORTED_VERSION; version <= LegacyOffsetCommitValue.HIGHEST_SUPPORTED_VERSION; version++)
      line("legacy-commit",
          MessageUtil.toCoordinatorTypePrefixedBytes(new LegacyOffsetCommitKey().setGroup("g").setTopic("t").setPartition(0)),
          MessageUtil.toVersionPrefixedBytes(version, new LegacyOffsetCommitValue().setOffset(9).setMetadata("").setCommitTimestamp(2)),
          "g|t|0|" + version);
    line("removed", key, null, "billing|orders.us|7");
    byte[] group = MessageUtil.toCoordinatorTypePrefixedBytes(new GroupMetadataKey().setGroup("billing"));
    for (short version = GroupMetadataValue.LOWEST_SUPPORTED_VERSION; version <= GroupMetadataValue.HIGHEST_SUPPORTED_VERSION; version++) {
      var members = new ArrayList<GroupMetadataValue.MemberMetadata>();
      for (int i = 0; i < 2; i++) members.add(new GroupMetadataValue.MemberMetadata().setMemberId("m" + i).setClientId("c")
          .setClientHost("/127.0.0.1").setSessionTimeout(6000).setSubscription(new byte[] {1, 2}).setAssignment(new byte[] {3}));
      line("group", group, MessageUtil.toVersionPrefixedBytes(version, new GroupMetadataValue().setProtocolType("consumer")
          .setGeneration(42).setProtocol("range").setLeader("m0").setMembers(members)), "billing|42|2|" + version);
    }
    line("other", MessageUtil.toCoordinatorTypePrefixedBytes(new ConsumerGroupMetadataKey().setGroupId("next")),
        MessageUtil.toVersionPrefixedBytes((short) 0, new ConsumerGroupMetadataValue().setEpoch(3)), "3");
    line("other", MessageUtil.toCoordinatorTypePrefixedBytes(new StreamsGroupMetadataKey().setGroupId("flow")),
        MessageUtil.toVersionPrefixedBytes((short) 0, new StreamsGroupMetadataValue().setEpoch(3)), "17");
  }

  static byte[] utf8(String s) { return s.getBytes(StandardCharsets.UTF_8); }

  static SimpleRecord[] records(String prefix, int count) {
    var records = new SimpleRecord[count];
    for (int i = 0; i < count; i++) records[i] = new SimpleRecord(1_700_000_000_000L + i * 7, i % 3 == 0 ? null : utf8("k" + i),
        i % 4 == 3 ? null : utf8(prefix + " " + i),
        i % 2 == 0 ? new Header[0] : new Header[] {new RecordHeader("event-id", utf8("1:" + i)), new RecordHeader("none", (byte[]) null)});
    return records;
  }

  static void write(Path folder, String name, MemoryRecords... all) throws Exception {
    int size = 0;
    for (var r : all) size += r.sizeInBytes();
    var buffer = ByteBuffer.allocate(size);
    for (var r : all) buffer.put(r.buffer().duplicate());
    Files.write(folder.resolve(name), buffer.array());
  }

  public static void main(String[] a) throws Exception {
    var folder = Path.of(a[0]);
    mirror();
    offsets();
    Files.writeString(folder.resolve("records.txt"), text.toString());
    byte two = 2;
    write(folder, "batches.log",
        MemoryRecords.withRecords(two, 100, Compression.NONE, TimestampType.CREATE_TIME, records("plain", 8)),
        MemoryRecords.withIdempotentRecords(two, 108, Compression.NONE, 4001, (short) 2, 17, 6, records("idempotent", 3)),
        MemoryRecords.withTransactionalRecords(two, 111, Compression.NONE, 4002, (short) 0, 0, 6, records("aborted", 4)),
        MemoryRecords.withEndTransactionMarker(115, 1_700_000_000_500L, 6, 4002, (short) 0,
            new EndTransactionMarker(ControlRecordType.ABORT, 9)),
        MemoryRecords.withTransactionalRecords(two, 116, Compression.NONE, 4002, (short) 1, 0, 6, records("committed", 2)),
        MemoryRecords.withEndTransactionMarker(118, 1_700_000_000_600L, 6, 4002, (short) 1,
            new EndTransactionMarker(ControlRecordType.COMMIT, 10)),
        MemoryRecords.withRecords(two, 119, Compression.NONE, TimestampType.LOG_APPEND_TIME, records("appended", 1)));
    for (byte magic = 0; magic < 2; magic++) write(folder, "legacy-" + magic + ".log",
        MemoryRecords.withRecords(magic, 0, Compression.NONE, new SimpleRecord(1L, utf8("k"), utf8("old"))));
  }
}
