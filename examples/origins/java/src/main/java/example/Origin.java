package example;

import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.source.JWKSource;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jose.util.DefaultResourceRetriever;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.http.SessionCreationPolicy;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.core.DelegatingOAuth2TokenValidator;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtClaimValidator;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtTimestampValidator;
import org.springframework.security.oauth2.jwt.NimbusJwtDecoder;
import org.springframework.security.oauth2.server.resource.web.BearerTokenResolver;
import org.springframework.security.oauth2.server.resource.web.DefaultBearerTokenResolver;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** A Spring resource server that trusts Sallyport's assertions: SITE, AUDIENCE, and optionally PORT and KEY_SET_AGE (seconds). */
@SpringBootApplication
@RestController
public class Origin {
  public static void main(String[] args) {
    SpringApplication.run(Origin.class, args);
  }

  @GetMapping("/")
  Map<String, Object> who(@AuthenticationPrincipal Jwt assertion) {
    return Map.of(
        "identity_provider", assertion.getClaimAsString("idp"), "subject", assertion.getSubject());
  }

  @Bean
  SecurityFilterChain everythingNeedsAnAssertion(HttpSecurity http) throws Exception {
    // Assertions are no cookies, so that other sites can cause nothing: no session, no CSRF token.
    var authorization = new DefaultBearerTokenResolver();
    BearerTokenResolver inEitherHeader =
        request -> {
          var own = request.getHeader("Sallyport-Assertion");
          return own != null ? own : authorization.resolve(request);
        };
    return http.authorizeHttpRequests(requests -> requests.anyRequest().authenticated())
        .oauth2ResourceServer(
            server -> server.bearerTokenResolver(inEitherHeader).jwt(jwt -> {}))
        .sessionManagement(session -> session.sessionCreationPolicy(SessionCreationPolicy.STATELESS))
        .csrf(csrf -> csrf.disable())
        .build();
  }

  @Bean
  JwtDecoder assertions(
      @Value("${SITE}") String site,
      @Value("${AUDIENCE}") String audience,
      @Value("${KEY_SET_AGE:60}") long keySetAge)
      throws Exception {
    var processor = new DefaultJWTProcessor<SecurityContext>();
    processor.setJWSTypeVerifier(
        new DefaultJOSEObjectTypeVerifier<>(new JOSEObjectType("sallyport+jwt")));
    processor.setJWSKeySelector(
        new JWSVerificationKeySelector<>(JWSAlgorithm.ES256, keySet(site, keySetAge)));
    // The claims are Spring's to check, below.
    processor.setJWTClaimsSetVerifier((claims, context) -> {});

    var decoder = new NimbusJwtDecoder(processor);
    decoder.setJwtValidator(
        new DelegatingOAuth2TokenValidator<>(
            // Says nothing about a token without an end, nor about when one was issued: hence the two below.
            new JwtTimestampValidator(Duration.ofSeconds(5)),
            new JwtClaimValidator<Instant>("exp", exp -> exp != null),
            new JwtClaimValidator<Instant>(
                "iat", iat -> iat != null && iat.isBefore(Instant.now().plusSeconds(5))),
            new JwtClaimValidator<Object>("iss", iss -> site.equals(String.valueOf(iss))),
            new JwtClaimValidator<List<String>>("aud", List.of(audience)::equals),
            new JwtClaimValidator<String>("sub", sub -> sub != null && !sub.isEmpty()),
            new JwtClaimValidator<String>("idp", idp -> idp != null && !idp.isEmpty())));
    return decoder;
  }

  /**
   * Nimbus does not read Cache-Control: a withdrawn key is refused when this age is over, or when an unknown one has the
   * set read, which Nimbus allows twice in ten seconds. Where the site cannot be asked, the last set serves for five minutes.
   */
  private static JWKSource<SecurityContext> keySet(String site, long age) throws Exception {
    var url = URI.create(site + "/.well-known/jwks.json");
    if (!url.getScheme().equals("https") && !List.of("localhost", "127.0.0.1").contains(url.getHost()))
      throw new IllegalArgumentException("SITE must be an https origin: https://shop.example.com");
    var milliseconds = Duration.ofSeconds(age).toMillis();
    return JWKSourceBuilder.create(url.toURL(), new DefaultResourceRetriever(5000, 5000, 262_144))
        .cache(milliseconds, 6000)
        // It would serve an old set while a new one is on its way.
        .refreshAheadCache(false)
        .rateLimited(Math.min(10_000, milliseconds / 2))
        .outageTolerant(Duration.ofMinutes(5).toMillis() + milliseconds)
        .build();
  }
}
