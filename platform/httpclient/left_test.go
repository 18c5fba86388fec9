package httpclient_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/openclaw-pos/commerce/platform/httpclient"
)

func TestLeft_counts_what_an_account_may_still_ask(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	pool := httpclient.NewPool(httpclient.PoolOptions{})
	if _, known := pool.Left("shop"); known {
		t.Error("an account that nobody has called for has a budget")
	}
	client := pool.Client(httpclient.Options{Account: "shop", PerSecond: 0.001, Burst: 3, AllowPrivate: true})
	for _, want := range []int{3, 2, 1} {
		if left, known := pool.Left("shop"); !known || left.Requests != want || left.Burst != 3 {
			t.Errorf("%d are left: %+v", want, left)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil {
			t.Error(err)
		}
	}
}
