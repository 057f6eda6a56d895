// An origin in ASP.NET Core that trusts Sallyport's assertions. Not run by this project's tests.
// dotnet add package Microsoft.AspNetCore.Authentication.JwtBearer
using System.Security.Claims;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

const string site = "https://shop.example.com";
const string audience = "orders";

var builder = WebApplication.CreateBuilder(args);
builder.Services.AddAuthorization();
builder.Services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme).AddJwtBearer(options =>
{
    // Sallyport is no OpenID provider: the key set is read as it is, without discovery. Cache-Control is not read: a
    // withdrawn key is refused after AutomaticRefreshInterval, and the library allows five minutes at least.
    options.ConfigurationManager = new ConfigurationManager<OpenIdConnectConfiguration>(
        $"{site}/.well-known/jwks.json", new KeySetRetriever(), new HttpDocumentRetriever())
    {
        AutomaticRefreshInterval = TimeSpan.FromMinutes(5),
        RefreshInterval = TimeSpan.FromSeconds(10),
        // The last known set would serve for an hour more.
        UseLastKnownGoodConfiguration = false,
    };
    options.MapInboundClaims = false;
    options.TokenValidationParameters = new TokenValidationParameters
    {
        ValidTypes = ["sallyport+jwt"],
        ValidAlgorithms = ["ES256"],
        ValidIssuer = site,
        ValidAudience = audience,
        RequireAudience = true,
        RequireExpirationTime = true,
        RequireSignedTokens = true,
        ValidateIssuerSigningKey = true,
        ClockSkew = TimeSpan.FromSeconds(5),
    };
    options.Events = new JwtBearerEvents
    {
        OnMessageReceived = context =>
        {
            var own = context.Request.Headers["Sallyport-Assertion"];
            if (own.Count == 1) context.Token = own;
            return Task.CompletedTask;
        },
    };
});

var app = builder.Build();
app.UseAuthentication();
app.UseAuthorization();
app.MapGet("/", (ClaimsPrincipal caller) => new
{
    identity_provider = caller.FindFirstValue("idp"),
    subject = caller.FindFirstValue("sub"),
}).RequireAuthorization();
app.Run();

/// <summary>Reads a bare key set where the library expects discovery's document.</summary>
class KeySetRetriever : IConfigurationRetriever<OpenIdConnectConfiguration>
{
    public async Task<OpenIdConnectConfiguration> GetConfigurationAsync(
        string address, IDocumentRetriever retriever, CancellationToken cancel)
    {
        var configuration = new OpenIdConnectConfiguration();
        var keySet = new JsonWebKeySet(await retriever.GetDocumentAsync(address, cancel));
        foreach (var key in keySet.GetSigningKeys()) configuration.SigningKeys.Add(key);
        return configuration;
    }
}
