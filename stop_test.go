package main

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestEndServer ends a server whose only request is under way.
func TestEndServer(t *testing.T) {
	t.Parallel()
	begin := func(t *testing.T, handle http.HandlerFunc) (server *http.Server, answered <-chan string) {
		t.Helper()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		begun := make(chan struct{})
		server = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(begun)
			handle(w, r)
		})}
		served, said := make(chan error, 1), make(chan string, 1)
		go func() { served <- server.Serve(l) }()
		t.Cleanup(func() {
			_ = server.Close()
			<-served
		})
		go func() {
			res, err := http.Get("http://" + l.Addr().String())
			if err != nil {
				said <- "none"
				return
			}
			_ = res.Body.Close()
			said <- res.Status
		}()
		<-begun
		return server, said
	}

	t.Run("a request under way is answered before the server ends", func(t *testing.T) {
		t.Parallel()
		stopping := make(chan struct{})
		server, answered := begin(t, func(w http.ResponseWriter, _ *http.Request) {
			<-stopping
			w.WriteHeader(http.StatusCreated)
		})
		server.RegisterOnShutdown(func() { close(stopping) })
		var said strings.Builder
		if err := endServer(server, time.Hour, &said); err != nil || said.Len() > 0 {
			t.Fatalf("%v, said %q", err, said.String())
		}
		if got := <-answered; got != "201 Created" {
			t.Fatalf("the answer is %s", got)
		}
	})

	t.Run("one that takes longer than the grace is cut short, which is said and no failure", func(t *testing.T) {
		t.Parallel()
		server, answered := begin(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		var said strings.Builder
		if err := endServer(server, time.Millisecond, &said); err != nil || said.String() != "a request took longer than 1ms to finish and was cut short\n" {
			t.Fatalf("%v, said %q", err, said.String())
		}
		if got := <-answered; got != "none" {
			t.Fatalf("the answer is %s", got)
		}
	})
}
