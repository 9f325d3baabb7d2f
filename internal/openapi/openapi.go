// Package openapi writes an OpenAPI 3.0.3 document of operations, with the
// schemas of their Go types. It knows the JSON tags, nothing of what the
// types mean.
package openapi

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strings"
)

// The security schemes.
const (
	Bearer      = "bearer"      // RFC 6750
	Certificate = "certificate" // mutual TLS
)

// Operation is one route.
type Operation struct {
	Method, Path string // {name} stands for a segment
	Summary      string
	Description  string
	Query        []Parameter
	Security     string       // schemes with spaces between them, of which one will do; or nothing
	Request      reflect.Type // of a JSON body; nil for none
	Binary       bool         // the body is bytes
	Response     reflect.Type // of a JSON answer; nil for none
	Media        string       // of an answer that is no JSON
	Status       int          // of success; 200 when 0
}

// Parameter is one of the query; all are strings and may be left out.
type Parameter struct{ Name, Description string }

type object = map[string]any

// Document describes the operations; problem is the type of every error.
func Document(title, version string, problem reflect.Type, ops []Operation) ([]byte, error) {
	s := schemas{}
	failure := object{"description": "A problem (RFC 9457)", "content": object{"application/problem+json": object{"schema": s.of(problem)}}}
	paths := map[string]object{}
	for _, op := range ops {
		if paths[op.Path] == nil {
			paths[op.Path] = object{}
		}
		method := strings.ToLower(op.Method)
		if paths[op.Path][method] != nil {
			return nil, fmt.Errorf("openapi: %s %s is there twice", op.Method, op.Path)
		}
		paths[op.Path][method] = op.describe(s, failure)
	}
	return json.MarshalIndent(object{
		"openapi": "3.0.3",
		"info":    object{"title": title, "version": cmp.Or(version, "0")},
		"paths":   paths,
		"components": object{"schemas": s, "securitySchemes": object{
			Bearer: object{"type": "http", "scheme": "bearer"},
			// OpenAPI 3.0 has no word for mutual TLS.
			Certificate: object{"type": "apiKey", "in": "header", "name": "TLS-Client-Certificate", "description": "A TLS client certificate of an enrolled box, or of a person; no header is sent."},
		}},
	}, "", " ")
}

var segment = regexp.MustCompile(`\{(\w+)\}`)

func (op Operation) describe(s schemas, failure object) object {
	parameters := []object{}
	for _, m := range segment.FindAllStringSubmatch(op.Path, -1) {
		parameters = append(parameters, object{"name": m[1], "in": "path", "required": true, "schema": object{"type": "string"}})
	}
	for _, q := range op.Query {
		parameters = append(parameters, object{"name": q.Name, "in": "query", "description": q.Description, "schema": object{"type": "string"}})
	}
	ok := object{"description": "Done"}
	switch {
	case op.Response != nil:
		ok["content"] = object{"application/json": object{"schema": s.of(op.Response)}}
	case op.Media != "":
		ok["content"] = bytesOf(op.Media)
	}
	out := object{"summary": op.Summary, "operationId": operationID(op), "parameters": parameters,
		"responses": object{fmt.Sprint(cmp.Or(op.Status, http.StatusOK)): ok, "default": failure}}
	if op.Description != "" {
		out["description"] = op.Description
	}
	if op.Security != "" {
		var any []object
		for _, scheme := range strings.Fields(op.Security) {
			any = append(any, object{scheme: []string{}})
		}
		out["security"] = any
	}
	switch {
	case op.Request != nil:
		out["requestBody"] = object{"required": true, "content": object{"application/json": object{"schema": s.of(op.Request)}}}
	case op.Binary:
		out["requestBody"] = object{"required": true, "content": bytesOf("application/octet-stream")}
	}
	return out
}

func bytesOf(media string) object {
	return object{media: object{"schema": object{"type": "string", "format": "binary"}}}
}

func operationID(op Operation) string {
	id := strings.ToLower(op.Method)
	for _, part := range strings.FieldsFunc(op.Path, func(r rune) bool { return strings.ContainsRune("/{}.", r) }) {
		id += strings.ToUpper(part[:1]) + part[1:]
	}
	return id
}
