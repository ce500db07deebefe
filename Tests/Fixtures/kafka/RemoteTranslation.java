import java.time.Duration;
import java.util.*;
import org.apache.kafka.connect.mirror.RemoteClusterUtils;

/**
 * Lets Apache's own client say where groups of a cluster go on in its mirror: what a service would ask at a failover.
 *
 *   java -cp "$KAFKA_HOME/libs/*" RemoteTranslation.java BOOTSTRAP SOURCE GROUP...
 *
 * A line for each partition of the mirror that a group has a translated position in: GROUP TOPIC PARTITION OFFSET.
 */
public class RemoteTranslation {
  public static void main(String[] arguments) throws Exception {
    Map<String, Object> target = Map.of("bootstrap.servers", arguments[0]);
    Arrays.asList(arguments).subList(2, arguments.length).parallelStream().forEach(group -> {
      try {
        RemoteClusterUtils.translateOffsets(target, arguments[1], group, Duration.ofSeconds(20))
            .forEach((place, offset) ->
                System.out.println(group + " " + place.topic() + " " + place.partition() + " " + offset.offset()));
      } catch (Exception failed) {
        throw new IllegalStateException(group, failed);
      }
    });
  }
}
