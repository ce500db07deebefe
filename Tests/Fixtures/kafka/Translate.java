import java.lang.reflect.*;
import java.nio.file.*;
import java.util.*;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.connect.mirror.*;

/**
 * Lets Apache's own mirror answer: which records call for a sync point (OffsetSyncWriter), what its store makes of a group's
 * offset (OffsetSyncStore), which checkpoints are emitted and which offsets are written for idle groups (MirrorCheckpointTask),
 * over random histories with holes of aborted transactions, rewinds, truncations, restarts and a compacted topic of sync points.
 *
 *   java -cp "$KAFKA_HOME/libs/*" Translate.java SEED PARTITIONS translations.txt
 *
 * Each line is one step; the answers are Apache's, `x` stands for none.
 *   p LAG          another partition, its writer made with this offset.lag.max
 *   r U D E        the record at U of the source was written to D of the target; E: 1 where a sync point is due
 *   z              the due point was sent
 *   s U D          the store reads a sync point
 *   b              the first reading has come to its end
 *   R MUST N       the task begins anew: it must read to the end or not, and reads the last N sync points again
 *   a G T          source offset G is translated to T; -1: too old
 *   c GROUP G T    the checkpoint that is emitted for a group which has committed G
 *   w GROUP O T    the offset written to the target for an idle group that stands at O there
 */
public class Translate {
  static final String PACKAGE = "org.apache.kafka.connect.mirror.";
  static final TopicPartition PLACE = new TopicPartition("orders", 0), MIRRORED = new TopicPartition("east.orders", 0);

  static Object make(Class<?> type, Class<?>[] types, Object... values) throws Exception {
    Constructor<?> c = type.getDeclaredConstructor(types);
    c.setAccessible(true);
    return c.newInstance(values);
  }

  static Object call(Object object, Class<?> type, String name, Class<?>[] types, Object... values) throws Exception {
    Method m = type.getDeclaredMethod(name, types);
    m.setAccessible(true);
    return m.invoke(object, values);
  }

  static void set(Object object, Class<?> type, String name, Object value) throws Exception {
    Field f = type.getDeclaredField(name);
    f.setAccessible(true);
    f.set(object, value);
  }

  static Object store, checkpoints, task;
  static Class<?> storeType, checkpointsType, taskType, stateType;

  static void begin(Map<String, Map<TopicPartition, Checkpoint>> found, boolean must) throws Exception {
    store = make(storeType, new Class<?>[0]);
    set(store, storeType, "initializationMustReadToEnd", must);
    checkpoints = make(checkpointsType, new Class<?>[] {Map.class}, found);
    task = make(taskType,
        new Class<?>[] {String.class, String.class, ReplicationPolicy.class, storeType, Set.class, Map.class, checkpointsType},
        "east", "eu", new DefaultReplicationPolicy(), store, Set.of("g0", "g1", "g2"), new HashMap<>(), checkpoints);
  }

  static void read(long[] sync) throws Exception {
    Object record = make(Class.forName(PACKAGE + "OffsetSync"), new Class<?>[] {TopicPartition.class, long.class, long.class}, PLACE, sync[0], sync[1]);
    byte[] key = (byte[]) call(record, record.getClass(), "recordKey", new Class<?>[0]);
    byte[] value = (byte[]) call(record, record.getClass(), "recordValue", new Class<?>[0]);
    call(store, storeType, "handleRecord", new Class<?>[] {ConsumerRecord.class}, new ConsumerRecord<>("syncs", 0, 0, key, value));
  }

  static String translate(long g) throws Exception {
    var t = (OptionalLong) call(store, storeType, "translateDownstream", new Class<?>[] {String.class, TopicPartition.class, long.class}, "g", PLACE, g);
    return t.isPresent() ? "" + t.getAsLong() : "x";
  }

  @SuppressWarnings("unchecked")
  public static void main(String[] a) throws Exception {
    var random = new Random(Long.parseLong(a[0]));
    storeType = Class.forName(PACKAGE + "OffsetSyncStore");
    checkpointsType = Class.forName(PACKAGE + "CheckpointStore");
    taskType = Class.forName(PACKAGE + "MirrorCheckpointTask");
    stateType = Class.forName(PACKAGE + "OffsetSyncWriter$PartitionState");
    var out = new StringBuilder();
    long[] lags = {0, 1, 10, 100};
    for (int partition = 0; partition < Integer.parseInt(a[1]); partition++) {
      long lag = lags[random.nextInt(lags.length)];
      out.append("p ").append(lag).append('\n');
      Object state = make(stateType, new Class<?>[] {long.class}, lag);
      Map<String, Map<TopicPartition, Checkpoint>> emitted = new HashMap<>();
      begin(new HashMap<>(), true);
      List<long[]> syncs = new ArrayList<>();
      long up = random.nextInt(3) * 1000L, down = random.nextInt(2) * 37L;
      boolean begun = false, delayed = false;
      int batches = 10 + random.nextInt(50);
      for (int batch = 0; batch < batches; batch++) {
        int count = 1 + random.nextInt(random.nextInt(4) == 0 ? 60 : 8);
        for (int i = 0; i < count; i++) {
          boolean due = (Boolean) call(state, stateType, "update", new Class<?>[] {long.class, long.class}, up, down);
          out.append("r ").append(up).append(' ').append(down).append(due ? " 1\n" : " 0\n");
          // Points in flight are limited: a due one may be held back.
          if (due && random.nextInt(4) > 0) {
            call(state, stateType, "reset", new Class<?>[0]);
            out.append("z\n");
            long[] sync = {up, down};
            syncs.add(sync);
            read(sync);
            out.append("s ").append(up).append(' ').append(down).append('\n');
          }
          up++;
          down++;
          if (random.nextInt(12) == 0) up += 1 + random.nextInt(6);
        }
        up++;  // the marker of the source's transaction
        if (random.nextBoolean()) down++;  // that of the mirror's
        if (random.nextInt(15) == 0) up += 1 + random.nextInt(400);
        if (random.nextInt(40) == 0) up = Math.max(0, up - 1 - random.nextInt(500));
        if (random.nextInt(60) == 0) down = Math.max(0, down - random.nextInt(50));
        if (!begun && random.nextInt(3) == 0) {
          begun = true;
          set(store, storeType, "readToEnd", true);
          out.append("b\n");
        }
        if (begun && random.nextInt(14) == 0) {
          boolean must = random.nextBoolean();
          int again = syncs.isEmpty() ? 0 : 1 + random.nextInt(syncs.size());
          if (must) emitted = new HashMap<>();
          var found = new HashMap<String, Map<TopicPartition, Checkpoint>>();
          for (var e : emitted.entrySet()) found.put(e.getKey(), new HashMap<>(e.getValue()));
          begin(found, must);
          for (long[] sync : syncs.subList(syncs.size() - again, syncs.size())) read(sync);
          set(store, storeType, "readToEnd", true);
          out.append("R ").append(must ? 1 : 0).append(' ').append(again).append('\n');
        }
        for (int i = random.nextInt(3); i > 0; i--) {
          long g = random.nextInt(3) == 0 ? Math.max(0, up - random.nextInt(20)) : (long) (random.nextDouble() * (up + 3));
          out.append("a ").append(g).append(' ').append(translate(g)).append('\n');
        }
        if (random.nextBoolean()) {
          String group = "g" + random.nextInt(3);
          long g = Math.max(0, up - random.nextInt(random.nextInt(5) == 0 ? 2000 : 30));
          var made = (Map<TopicPartition, Checkpoint>) call(task, taskType, "checkpointsForGroup",
              new Class<?>[] {Map.class, String.class}, Map.of(PLACE, new OffsetAndMetadata(g)), group);
          call(checkpoints, checkpointsType, "update", new Class<?>[] {String.class, Map.class}, group, made);
          var checkpoint = made.get(MIRRORED);
          if (checkpoint != null) emitted.computeIfAbsent(group, k -> new HashMap<>()).put(MIRRORED, checkpoint);
          out.append("c ").append(group).append(' ').append(g).append(' ')
              .append(checkpoint == null ? "x" : "" + checkpoint.downstreamOffset()).append('\n');
          var last = emitted.getOrDefault(group, Map.of()).get(MIRRORED);
          if (last != null && random.nextBoolean()) {
            boolean known = random.nextInt(3) > 0;
            long at = Math.max(0, last.downstreamOffset() - 5 + random.nextInt(10));
            Map<String, Map<TopicPartition, OffsetAndMetadata>> idle = new HashMap<>();
            for (String other : emitted.keySet()) idle.put(other, new HashMap<>());
            idle.get(group).putAll(known ? Map.of(MIRRORED, new OffsetAndMetadata(at)) : Map.of());
            set(task, taskType, "idleConsumerGroupsOffset", idle);
            var written = (Map<String, Map<TopicPartition, OffsetAndMetadata>>) call(task, taskType, "syncGroupOffset", new Class<?>[0]);
            var offset = written.getOrDefault(group, Map.of()).get(MIRRORED);
            out.append("w ").append(group).append(' ').append(known ? "" + at : "x").append(' ')
                .append(offset == null ? "x" : "" + offset.offset()).append('\n');
          }
        }
      }
    }
    Files.writeString(Path.of(a[2]), out);
  }
}
