import com.amazonaws.services.dynamodbv2.local.server.DynamoDBProxyServer;
import com.amazonaws.services.dynamodbv2.local.server.LocalDynamoDBRequestHandler;
import com.amazonaws.services.dynamodbv2.local.server.LocalDynamoDBServerHandler;
import com.amazonaws.services.dynamodbv2.model.ListTablesRequest;
import com.amazonaws.services.dynamodbv2.model.TransactWriteItemsRequest;
import com.amazonaws.services.dynamodbv2.model.TransactWriteItemsResult;
import java.lang.reflect.Field;
import org.eclipse.jetty.server.AbstractNetworkConnector;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.Server;

/**
 * Runs DynamoDB Local with two changes: it listens on loopback only (its own main class has no option for that),
 * and it acknowledges a transaction only after the commit.
 *
 * <p>Usage: LoopbackDynamoDb DATA_FOLDER PORT
 *
 * <p>The compiled classes stand beside this file because a Java runtime has no compiler. They were made with: javac
 * --release 8 -g:none -cp "$EMULATOR/DynamoDBLocal.jar:$EMULATOR/DynamoDBLocal_lib/*" LoopbackDynamoDb.java
 */
public final class LoopbackDynamoDb {
  public static void main(String[] args) throws Exception {
    System.setProperty("org.eclipse.jetty.util.log.announce", "false");
    System.setProperty("org.eclipse.jetty.LEVEL", "WARN");
    DynamoDBProxyServer dynamo =
        new DynamoDBProxyServer(
            Integer.parseInt(args[1]),
            new LocalDynamoDBServerHandler(new CommittingRequestHandler(args[0]), "*"));
    Field field = DynamoDBProxyServer.class.getDeclaredField("server");
    field.setAccessible(true);
    for (Connector connector : ((Server) field.get(dynamo)).getConnectors()) {
      ((AbstractNetworkConnector) connector).setHost("127.0.0.1");
    }
    dynamo.safeStart();
    dynamo.join();
  }

  /**
   * DynamoDB Local queues the commit of a transaction and answers without waiting for it, so a kill loses what was
   * acknowledged. One thread works through that queue in order: when a read that was queued afterwards returns, the
   * commit is done.
   */
  private static final class CommittingRequestHandler extends LocalDynamoDBRequestHandler {
    CommittingRequestHandler(String dataFolder) {
      super(0, false, dataFolder, false, false);
    }

    @Override
    public TransactWriteItemsResult transactWriteItems(
        String accessKey, String region, TransactWriteItemsRequest request) {
      TransactWriteItemsResult result = super.transactWriteItems(accessKey, region, request);
      listTables(accessKey, region, new ListTablesRequest().withLimit(1));
      return result;
    }
  }
}
