import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.header.internals.*;
import org.apache.kafka.common.serialization.*;

/** Makes a small, eventful history in a pair of mirrored clusters. Args: bootstrap of the source, of the target, command. */
public class Drive {
  static Properties base(String at) { var p = new Properties(); p.put("bootstrap.servers", at); return p; }
  static KafkaProducer<byte[], byte[]> producer(String at, String id, String compression) {
    var p = base(at);
    p.put("key.serializer", ByteArraySerializer.class); p.put("value.serializer", ByteArraySerializer.class);
    p.put("compression.type", compression); p.put("linger.ms", "5");
    if (id != null) p.put("transactional.id", id);
    return new KafkaProducer<>(p);
  }
  static long sequence = 0;
  static ProducerRecord<byte[], byte[]> record(int partition, int producer) {
    long n = sequence++;
    var r = new ProducerRecord<byte[], byte[]>("orders.us", partition, ("k" + n % 7).getBytes(), ("event " + producer + ":" + n).getBytes());
    r.headers().add(new RecordHeader("event-id", (producer + ":" + n).getBytes()));
    return r;
  }
  static void transaction(KafkaProducer<byte[], byte[]> p, int partition, int count, boolean commit) {
    p.beginTransaction();
    for (int i = 0; i < count; i++) p.send(record(partition, 1));
    p.flush();
    if (commit) p.commitTransaction(); else p.abortTransaction();
  }
  static void commit(String at, String group, int partition, long offset) {
    var p = base(at);
    p.put("group.id", group); p.put("enable.auto.commit", "false");
    p.put("key.deserializer", ByteArrayDeserializer.class); p.put("value.deserializer", ByteArrayDeserializer.class);
    try (var c = new KafkaConsumer<byte[], byte[]>(p)) {
      var tp = new TopicPartition("orders.us", partition);
      c.assign(List.of(tp));
      c.commitSync(Map.of(tp, new OffsetAndMetadata(offset, "by hand")));
    }
  }
  public static void main(String[] a) throws Exception {
    String east = a[0], eu = a[1];
    switch (a[2]) {
      case "topics": {
        try (var admin = Admin.create(base(east))) {
          admin.createTopics(List.of(new NewTopic("orders.us", 2, (short) 1))).all().get();
        }
        // Records that the mirror carries, of which some were aborted: the logs differ from the start.
        var p = producer(east, "east-tx", "none");
        p.initTransactions();
        transaction(p, 0, 5, true); transaction(p, 0, 4, false); transaction(p, 1, 3, false); transaction(p, 0, 6, true);
        transaction(p, 1, 7, true);
        p.close();
        break;
      }
      case "history": {
        var p = producer(east, "east-tx", "none");
        p.initTransactions();
        for (int round = 0; round < 12; round++) {
          transaction(p, 0, 8, round % 4 != 2); transaction(p, 1, 5, round % 5 != 3);
          Thread.sleep(400);
          commit(east, "billing", 0, 10 + 8L * round); commit(east, "billing", 1, 6 + 5L * round);
          if (round == 3) { commit(east, "idle", 0, 21); commit(east, "idle", 1, 8); }
          Thread.sleep(300);
        }
        p.close();
        break;
      }
      case "more": {
        var p = producer(east, null, "none");
        for (int i = 0; i < 30; i++) { p.send(record(i % 2, 2)); Thread.sleep(30); }
        p.close();
        break;
      }
      case "compressed": {
        try (var admin = Admin.create(base(east))) {
          admin.createTopics(List.of(new NewTopic("packed", 1, (short) 1))).all().get();
        }
        for (String kind : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
          var p = producer(east, null, kind);
          for (int i = 0; i < 20; i++)
            p.send(new ProducerRecord<>("packed", 0, ("key " + i).getBytes(), (kind + " " + i + " ........................................").getBytes()));
          p.close();
        }
        break;
      }
      case "show": {
        for (String[] side : new String[][] {{east, "east"}, {eu, "eu"}}) try (var admin = Admin.create(base(side[0]))) {
          System.out.println(side[1] + " " + admin.listTopics(new ListTopicsOptions().listInternal(true)).names().get());
          for (var g : admin.listConsumerGroups().all().get())
            System.out.println(side[1] + " " + g.groupId() + " " + admin.listConsumerGroupOffsets(g.groupId()).partitionsToOffsetAndMetadata().get());
        }
      }
    }
  }
}
