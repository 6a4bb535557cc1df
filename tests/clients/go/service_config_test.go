// grpc-go does what the shipped service config says, and nobody writes code for it.
package clients

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/health" // does what healthCheckConfig says
	"google.golang.org/grpc/status"
)

const serviceConfig = "../../../clients/service-config.json"

// A connection as anybody would open it.
func connect(t *testing.T, address string) *grpc.ClientConn {
	t.Helper()
	config, err := os.ReadFile(serviceConfig)
	if err != nil {
		t.Fatal(err)
	}
	connection, err := grpc.NewClient(address,
		grpc.WithDefaultServiceConfig(string(config)),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	return connection
}

func TestWhoIsOverALimitWaitsAsToldAndIsAdmitted(t *testing.T) {
	served := serve(t)
	client := clientOf(t, connect(t, served.address))
	begun := time.Now()
	for range 5 {
		if _, err := client.call("ListIdentityPools", `{}`); err != nil {
			t.Fatal(err)
		}
	}
	taken := time.Since(begun)

	if taken < 4*500*time.Millisecond {
		t.Errorf("the limit admits one each 500 ms, and all took %v", taken)
	}
	if count := served.refusals(t, "slow", "ListIdentityPools"); count != 4 {
		t.Errorf("%d were refused, and four had to wait", count)
	}
}

func TestWhoWaitsAsToldIsAdmittedOnTheNextTry(t *testing.T) {
	const calls = 200
	served := serve(t)
	client := clientOf(t, connect(t, served.address))
	created := map[string]bool{}
	begun := time.Now()
	for range calls {
		answer, err := client.call("CreateIdentityPool",
			`{"identityPoolName": "a pool", "allowUnauthenticatedIdentities": false}`)
		if err != nil {
			t.Fatal(err)
		}
		created[answer] = true
	}
	taken := time.Since(begun)

	if len(created) != calls {
		t.Errorf("%d pools were created", len(created))
	}
	if taken < (calls-1)*20*time.Millisecond {
		t.Errorf("the limit admits one each 20 ms, and all took %v", taken)
	}
	if count := served.refusals(t, "quick", "CreateIdentityPool"); count*100 > (calls-1)*101 {
		t.Errorf("%d were refused", count)
	}
}

func TestAWaitThatIsLongerThanTheDeadlineIsNotBegun(t *testing.T) {
	served := serve(t)
	client := clientOf(t, connect(t, served.address))
	begun := time.Now()
	_, first := client.call("GetId", `{}`)
	_, second := client.call("GetId", `{}`)
	taken := time.Since(begun)

	if code := status.Code(first); code != codes.InvalidArgument {
		t.Errorf("the first: %v", first)
	}
	if code := status.Code(second); code != codes.ResourceExhausted {
		t.Errorf("the second: %v", second)
	}
	if taken >= 10*time.Second {
		t.Errorf("it took %v, which is the service config's timeout", taken)
	}
	if count := served.refusals(t, "once", "GetId"); count != 1 {
		t.Errorf("it was tried %d times", count)
	}
}

// How often a limit has refused calls.
func (served served) refusals(t *testing.T, limit, method string) int {
	t.Helper()
	answer, err := http.Get("http://" + served.admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	line := fmt.Sprintf(`poolgate_quota_decisions_total{limit="%s",grpc_method="%s",decision="refused"}`,
		limit, method)
	count := 0
	for _, one := range strings.Split(textOf(t, answer.Body), "\n") {
		if rest, found := strings.CutPrefix(one, line); found {
			if _, err := fmt.Sscan(rest, &count); err != nil {
				t.Fatal(err)
			}
		}
	}
	return count
}
