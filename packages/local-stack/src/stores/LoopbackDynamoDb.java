import com.amazonaws.services.dynamodbv2.local.main.ServerRunner;
import com.amazonaws.services.dynamodbv2.local.server.DynamoDBProxyServer;
import java.lang.reflect.Field;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.Server;

/**
 * DynamoDB Local that listens on loopback only. Its own main class always listens on every address
 * and has no option for it, so the listening address is set on the web server inside it.
 *
 * The compiled class stands beside this file because a Java runtime brings no compiler. It was made
 * with: javac --release 8 -g:none -cp "$JAR_FOLDER/DynamoDBLocal.jar:$JAR_FOLDER/DynamoDBLocal_lib/*"
 */
public final class LoopbackDynamoDb {
  public static void main(String[] args) throws Exception {
    DynamoDBProxyServer dynamo = ServerRunner.createServerFromCommandLineArgs(args);
    Field field = DynamoDBProxyServer.class.getDeclaredField("server");
    field.setAccessible(true);
    for (Connector connector : ((Server) field.get(dynamo)).getConnectors()) {
      connector.setHost("127.0.0.1");
    }
    dynamo.safeStart();
    dynamo.join();
  }
}
