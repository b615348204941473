package main

// Where the system has no certificates of public authorities, as in the image, those
// that Mozilla trusts count. Files at the usual places, or SSL_CERT_FILE, go first.
import _ "golang.org/x/crypto/x509roots/fallback"
