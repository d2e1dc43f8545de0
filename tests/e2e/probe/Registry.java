import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Base64;

/** A schema registry's address with the credentials for it. */
final class Registry {
    final String url;
    final String userInfo;
    private final HttpClient http = HttpClient.newHttpClient();

    Registry(String url, String userInfo) {
        this.url = url;
        this.userInfo = userInfo;
    }

    String schema(int id) throws IOException, InterruptedException {
        String credentials = Base64.getEncoder().encodeToString(userInfo.getBytes(StandardCharsets.UTF_8));
        HttpRequest request = HttpRequest.newBuilder(URI.create(url + "/schemas/ids/" + id))
                .header("Authorization", "Basic " + credentials)
                .build();
        HttpResponse<String> response = http.send(request, HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() != 200) {
            throw new IOException("the registry answered " + response.statusCode() + " for schema " + id);
        }
        return new ObjectMapper().readTree(response.body()).path("schema").asText();
    }
}
