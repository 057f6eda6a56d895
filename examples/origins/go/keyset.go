package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	longestAge = 300 * time.Second // whatever the answer allows
	coolDown   = 10 * time.Second  // between two reads for unknown keys
	staleFor   = 300 * time.Second // how long a set serves on while the site cannot be asked
	pause      = 5 * time.Second   // how long a site that failed is left alone
	longestSet = 262_144           // bytes
)

// errUnavailable says nothing against the assertion: it is answered with 503.
var errUnavailable = errors.New("keys unavailable")

// keySet follows the site's published keys as their answers say (RFC 9111).
type keySet struct {
	url    string
	client http.Client

	mutex                   sync.Mutex
	keys                    map[string]jose.JSONWebKey
	etag                    string
	freshUntil, usableUntil time.Time
	askedAt, quietUntil     time.Time
}

func newKeySet(site string) *keySet {
	return &keySet{
		url: site + "/.well-known/jwks.json",
		client: http.Client{
			Timeout:       5 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// key gives no key for a kid that the site does not publish. One request reads the set, the others wait for it.
func (k *keySet) key(kid string) (jose.JSONWebKey, bool, error) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	now := time.Now()
	isFresh := now.Before(k.freshUntil)
	_, isKnown := k.keys[kid]
	isCooling := isFresh && now.Before(k.askedAt.Add(coolDown))
	if (!isFresh || !isKnown) && !isCooling && !now.Before(k.quietUntil) {
		k.askedAt = now
		if err := k.read(now); err != nil {
			k.quietUntil = now.Add(pause)
		}
	}
	if !now.Before(k.usableUntil) {
		return jose.JSONWebKey{}, false, errUnavailable
	}
	key, isKnown := k.keys[kid]
	return key, isKnown, nil
}

func (k *keySet) read(now time.Time) error {
	request, err := http.NewRequest(http.MethodGet, k.url, nil)
	if err != nil {
		return err
	}
	if k.etag != "" {
		request.Header.Set("If-None-Match", k.etag)
	}
	answer, err := k.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	switch {
	case answer.StatusCode == http.StatusNotModified && k.etag != "":
	case answer.StatusCode == http.StatusOK:
		keys, err := parse(io.LimitReader(answer.Body, longestSet))
		if err != nil {
			return err
		}
		k.keys = keys
	default:
		return errors.New("no key set")
	}
	age := ageOf(answer.Header)
	k.etag = answer.Header.Get("ETag")
	k.freshUntil = now.Add(age)
	k.usableUntil = k.freshUntil.Add(staleFor)
	return nil
}

// parse keeps public keys for ES256 that have a name of their own; none at all says that every key was withdrawn.
func parse(body io.Reader) (map[string]jose.JSONWebKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.NewDecoder(body).Decode(&set); err != nil {
		return nil, err
	}
	if set.Keys == nil {
		return nil, errors.New("no key set")
	}
	keys := map[string]jose.JSONWebKey{}
	seen := map[string]bool{}
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		// A key of a kind that is not known here is none of our concern.
		if key.UnmarshalJSON(raw) != nil || key.KeyID == "" || !key.IsPublic() || !key.Valid() {
			continue
		}
		if (key.Use != "" && key.Use != "sig") || (key.Algorithm != "" && key.Algorithm != "ES256") {
			continue
		}
		if seen[key.KeyID] {
			delete(keys, key.KeyID)
			continue
		}
		seen[key.KeyID] = true
		keys[key.KeyID] = key
	}
	return keys, nil
}

var (
	noCaching = regexp.MustCompile(`(?i)\bno-(store|cache)\b`)
	maxAge    = regexp.MustCompile(`(?i)(?:^|[\s,])max-age=(\d{1,9})`)
)

func ageOf(header http.Header) time.Duration {
	directives := header.Get("Cache-Control")
	found := maxAge.FindStringSubmatch(directives)
	if found == nil || noCaching.MatchString(directives) {
		return time.Second
	}
	seconds, _ := strconv.Atoi(found[1])
	held, _ := strconv.Atoi(header.Get("Age"))
	age := time.Duration(seconds-held) * time.Second
	return max(time.Second, min(age, longestAge))
}
