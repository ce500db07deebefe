import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionReplica;
import org.apache.kafka.common.acl.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.quota.*;
import org.apache.kafka.common.resource.*;

/** Asks for everything that Kafka's own client can administer, and prints what came of each: `ok`, or the error's class. */
public final class Administer {
  interface Call {
    KafkaFuture<?> begin() throws Exception;
  }

  public static void main(String[] arguments) throws Exception {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", arguments[0]);
    properties.put("client.id", arguments[1]);
    properties.put("default.api.timeout.ms", "15000");
    properties.put("request.timeout.ms", "10000");
    String topic = arguments[2];
    TopicPartition partition = new TopicPartition(topic, 0);
    ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
    AclBinding acl = new AclBinding(new ResourcePattern(ResourceType.TOPIC, topic, PatternType.LITERAL),
        new AccessControlEntry("User:a", "*", AclOperation.READ, AclPermissionType.ALLOW));
    try (Admin admin = Admin.create(properties)) {
      Map<String, Call> calls = new LinkedHashMap<>();
      calls.put("describeCluster", () -> admin.describeCluster().nodes());
      calls.put("listTopics", () -> admin.listTopics().names());
      calls.put("createTopics", () -> admin.createTopics(List.of(new NewTopic(topic, 2, (short) 1))).all());
      calls.put("createPartitions", () -> admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(3))).all());
      calls.put("incrementalAlterConfigs", () -> admin.incrementalAlterConfigs(Map.of(resource, List.of(
          new AlterConfigOp(new ConfigEntry("retention.ms", "60000"), AlterConfigOp.OpType.SET)))).all());
      calls.put("createAcls", () -> admin.createAcls(List.of(acl)).all());
      calls.put("deleteAcls", () -> admin.deleteAcls(List.of(acl.toFilter())).all());
      calls.put("alterClientQuotas", () -> admin.alterClientQuotas(List.of(new ClientQuotaAlteration(
          new ClientQuotaEntity(Map.of("client-id", "c")),
          List.of(new ClientQuotaAlteration.Op("producer_byte_rate", 1e6))))).all());
      calls.put("alterPartitionReassignments", () -> admin.alterPartitionReassignments(
          Map.of(partition, Optional.of(new NewPartitionReassignment(List.of(1))))).all());
      calls.put("alterUserScramCredentials", () -> admin.alterUserScramCredentials(List.of(
          new UserScramCredentialUpsertion("u", new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096), "p"))).all());
      calls.put("updateFeatures", () -> admin.updateFeatures(
          Map.of("group.version", new FeatureUpdate((short) 1, FeatureUpdate.UpgradeType.UPGRADE)),
          new UpdateFeaturesOptions()).all());
      calls.put("unregisterBroker", () -> admin.unregisterBroker(77).all());
      calls.put("removeRaftVoter", () -> admin.removeRaftVoter(77, org.apache.kafka.common.Uuid.randomUuid()).all());
      calls.put("alterReplicaLogDirs", () -> admin.alterReplicaLogDirs(
          Map.of(new TopicPartitionReplica(topic, 0, 1), "/nowhere")).all());
      calls.put("createDelegationToken", () -> admin.createDelegationToken().delegationToken());
      calls.put("electLeaders", () -> admin.electLeaders(ElectionType.PREFERRED, Set.of(partition)).all());
      calls.put("deleteTopics", () -> admin.deleteTopics(List.of(topic)).all());
      for (Map.Entry<String, Call> call : calls.entrySet()) {
        String outcome;
        try {
          call.getValue().begin().get(20, TimeUnit.SECONDS);
          outcome = "ok";
        } catch (ExecutionException failure) {
          outcome = failure.getCause().getClass().getSimpleName();
        } catch (Exception failure) {
          outcome = failure.getClass().getSimpleName();
        }
        System.out.println(call.getKey() + " " + outcome);
      }
    }
  }
}
