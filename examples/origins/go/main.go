// An origin that trusts Sallyport's assertions: SITE=https://shop.example.com AUDIENCE=orders [PORT=8080] go run .
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

type claims struct {
	jwt.Claims
	IdentityProvider string `json:"idp"`
	Caller           string `json:"caller"`
}

type verifier struct {
	site, audience string
	keys           *keySet
}

var errRefused = errors.New("assertion refused")

func (v verifier) verify(assertion string) (claims, error) {
	var found claims
	if len(assertion) > 16_384 {
		return found, errRefused
	}
	token, err := jwt.ParseSigned(assertion, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil || len(token.Headers) != 1 {
		return found, errRefused
	}
	header := token.Headers[0]
	// go-jose does not judge typ: without this, any token of the same key would do.
	if header.ExtraHeaders[jose.HeaderType] != "sallyport+jwt" || header.KeyID == "" {
		return found, errRefused
	}
	key, isKnown, err := v.keys.key(header.KeyID)
	if err != nil {
		return found, err
	}
	if !isKnown || token.Claims(key.Key, &found) != nil {
		return found, errRefused
	}
	// Expiry and IssuedAt are judged only where they are there; an audience may be one of several.
	if found.Expiry == nil || found.IssuedAt == nil || len(found.Audience) != 1 {
		return found, errRefused
	}
	expected := jwt.Expected{Issuer: v.site, AnyAudience: jwt.Audience{v.audience}, Time: time.Now()}
	if found.ValidateWithLeeway(expected, 5*time.Second) != nil {
		return found, errRefused
	}
	if found.Subject == "" || found.IdentityProvider == "" || found.Caller == "" {
		return found, errRefused
	}
	return found, nil
}

func (v verifier) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	assertion := request.Header.Get("Sallyport-Assertion")
	if assertion == "" {
		scheme, token, _ := strings.Cut(request.Header.Get("Authorization"), " ")
		if strings.EqualFold(scheme, "Bearer") {
			assertion = strings.TrimSpace(token)
		}
	}
	who, err := v.verify(assertion)
	switch {
	case errors.Is(err, errUnavailable):
		response.Header().Set("Retry-After", "5")
		answer(response, http.StatusServiceUnavailable, map[string]string{"reason": "keys_unavailable"})
	case err != nil:
		response.Header().Set("WWW-Authenticate", "Bearer")
		answer(response, http.StatusUnauthorized, map[string]string{"reason": "assertion_refused"})
	default:
		answer(response, http.StatusOK, map[string]string{
			"identity_provider": who.IdentityProvider, "subject": who.Subject,
		})
	}
}

func answer(response http.ResponseWriter, status int, body map[string]string) {
	response.Header().Set("Content-Type", "application/json")
	response.WriteHeader(status)
	_ = json.NewEncoder(response).Encode(body)
}

func main() {
	site, audience, port := os.Getenv("SITE"), os.Getenv("AUDIENCE"), os.Getenv("PORT")
	address, err := url.Parse(site)
	isLocal := err == nil && (address.Hostname() == "localhost" || address.Hostname() == "127.0.0.1")
	if err != nil || audience == "" || (address.Scheme != "https" && !isLocal) {
		log.Fatal("SITE must be an https origin (https://shop.example.com), AUDIENCE this origin's own")
	}
	if port == "" {
		port = "8080"
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	log.Fatal(http.Serve(listener, verifier{site, audience, newKeySet(site)}))
}
