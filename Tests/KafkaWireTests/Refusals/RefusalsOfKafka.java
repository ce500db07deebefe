import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.ClusterAuthorizationException;
import org.apache.kafka.common.message.RequestHeaderData;
import org.apache.kafka.common.message.ResponseHeaderData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.Struct;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.protocol.types.Type;
import org.apache.kafka.common.requests.AbstractRequest;
import org.apache.kafka.common.requests.AbstractResponse;

/** Prints random requests with the responses in which Kafka's own classes refuse them: key, version, request, response. */
public final class RefusalsOfKafka {
  private static final Random RANDOM = new Random(20261128);
  private static int leastElements;
  private static final short[] KEYS = {
    19, 20, 21, 27, 30, 31, 33, 34, 37, 38, 39, 40, 42, 43, 44, 45, 47, 49, 51, 57, 64, 80, 81, 91, 92};

  public static void main(String[] arguments) throws Exception {
    int each = Integer.parseInt(arguments[0]);
    for (short key : KEYS) {
      ApiKeys api = ApiKeys.forId(key);
      // Kafka's refusal of these drops topics without partitions.
      leastElements = key == 27 ? 1 : 0;
      for (short version = api.oldestVersion(); version <= api.latestVersion(); version++) {
        for (int number = 0; number < each; number++) {
          print(api, version);
        }
      }
    }
  }

  private static void print(ApiKeys api, short version) throws Exception {
    Schema schema = api.messageType.requestSchemas()[version];
    Struct body = structure(schema);
    ByteBuffer bytes = ByteBuffer.allocate(body.sizeOf());
    body.writeTo(bytes);
    bytes.flip();
    RequestHeaderData header = new RequestHeaderData().setRequestApiKey(api.id).setRequestApiVersion(version)
        .setCorrelationId(RANDOM.nextInt()).setClientId(RANDOM.nextInt(4) == 0 ? null : text());
    ByteBuffer head = write(header, api.requestHeaderVersion(version));
    String request = hex(head) + hex(bytes.duplicate());
    AbstractRequest parsed = parse(api, version, bytes);
    AbstractResponse refused =
        parsed.getErrorResponse(0, new ClusterAuthorizationException("Guard: the token was refused."));
    ByteBuffer front = write(new ResponseHeaderData().setCorrelationId(header.correlationId()),
        api.responseHeaderVersion(version));
    String response = hex(front) + hex(write(refused.data(), version));
    System.out.println(api.id + " " + version + " " + request + " " + response);
  }

  private static AbstractRequest parse(ApiKeys api, short version, ByteBuffer bytes) throws Exception {
    return AbstractRequest.parseRequest(api, version, new ByteBufferAccessor(bytes)).request;
  }

  private static ByteBuffer write(Message message, short version) {
    ObjectSerializationCache cache = new ObjectSerializationCache();
    ByteBuffer bytes = ByteBuffer.allocate(message.size(cache, version));
    message.write(new ByteBufferAccessor(bytes), cache, version);
    bytes.flip();
    return bytes;
  }

  private static String hex(ByteBuffer bytes) {
    byte[] copy = new byte[bytes.remaining()];
    bytes.get(copy);
    return HexFormat.of().formatHex(copy);
  }

  private static Struct structure(Schema schema) {
    Struct result = new Struct(schema);
    for (BoundField field : schema.fields()) {
      result.set(field, value(field.def.type, field.def.name));
    }
    return result;
  }

  private static Object value(Type type, String name) {
    if (type.isNullable() && RANDOM.nextInt(4) == 0) {
      return null;
    }
    if (type instanceof TaggedFields) {
      return new java.util.TreeMap<Integer, Object>();
    }
    if (type instanceof Schema) {
      return structure((Schema) type);
    }
    if (type.arrayElementType().isPresent()) {
      Type element = type.arrayElementType().get();
      List<Object> list = new ArrayList<>();
      for (int number = leastElements + RANDOM.nextInt(4 - leastElements); number > 0; number--) {
        list.add(value(element, name));
      }
      return list.toArray();
    }
    String kind = type.toString().replace("COMPACT_", "").replace("NULLABLE_", "");
    switch (kind) {
      case "STRING": return text();
      case "BYTES": {
        byte[] bytes = new byte[RANDOM.nextInt(200)];
        RANDOM.nextBytes(bytes);
        return ByteBuffer.wrap(bytes);
      }
      case "BOOLEAN": return RANDOM.nextBoolean();
      // Kafka's classes turn some of these into enumerations that do not have every number.
      case "INT8": return (byte) 1;
      case "INT16": return (short) RANDOM.nextInt(1000);
      case "UINT16": return RANDOM.nextInt(65536);
      case "INT32": return RANDOM.nextInt();
      case "INT64": return RANDOM.nextLong();
      case "FLOAT64": return RANDOM.nextDouble();
      case "UUID": return Uuid.randomUuid();
      default: throw new IllegalStateException(type + " of " + name);
    }
  }

  private static String text() {
    StringBuilder text = new StringBuilder("t" + RANDOM.nextInt(1_000_000));
    for (int more = RANDOM.nextInt(20) == 0 ? 150 : 0; more > 0; more--) {
      text.append('x');
    }
    return text.toString();
  }
}
