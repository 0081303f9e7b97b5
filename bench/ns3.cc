// UDP over pod - node - node - pod, three links, in ns-3.
// ns3 rounds csma|point-to-point N: N requests and replies; prints the crossings of a link and the CPU seconds they took.
// ns3 flight csma|point-to-point N: N datagrams on their way at once; prints the bytes of the heap that they take.
#include <malloc.h>

#include <cstdlib>
#include <ctime>
#include <iostream>
#include <string>

#include "ns3/core-module.h"
#include "ns3/csma-module.h"
#include "ns3/internet-module.h"
#include "ns3/network-module.h"
#include "ns3/point-to-point-module.h"

using namespace ns3;

namespace {

constexpr uint16_t PORT = 9000;
constexpr uint32_t BYTES = 64;
constexpr uint32_t WARM_UP = 1000;
constexpr uint32_t CROSSINGS_PER_ROUND = 6;

uint32_t rounds = 0;
uint32_t replies = 0;
std::clock_t begin = 0;

NetDeviceContainer Link(const std::string& kind, const std::string& delay, Ptr<Node> a, Ptr<Node> b) {
  NodeContainer ends(a, b);
  if (kind == "csma") {
    CsmaHelper link;
    link.SetChannelAttribute("DataRate", StringValue("10Gbps"));
    link.SetChannelAttribute("Delay", StringValue(delay));
    return link.Install(ends);
  }
  PointToPointHelper link;
  link.SetDeviceAttribute("DataRate", StringValue("10Gbps"));
  link.SetChannelAttribute("Delay", StringValue(delay));
  return link.Install(ends);
}

/** The client, whose server answers, at the two ends of three links. */
Ptr<Socket> Build(const std::string& kind, const std::string& delay, Callback<void, Ptr<Socket>> serve) {
  NodeContainer hosts;
  hosts.Create(4);
  InternetStackHelper().Install(hosts);
  Ipv4AddressHelper addresses("10.244.1.0", "255.255.255.0");
  Ipv4InterfaceContainer last;
  for (uint32_t i = 0; i < 3; i++) {
    last = addresses.Assign(Link(kind, delay, hosts.Get(i), hosts.Get(i + 1)));
    addresses.NewNetwork();
  }
  Ipv4GlobalRoutingHelper::PopulateRoutingTables();
  const TypeId udp = UdpSocketFactory::GetTypeId();
  Ptr<Socket> server = Socket::CreateSocket(hosts.Get(3), udp);
  server->Bind(InetSocketAddress(Ipv4Address::GetAny(), PORT));
  server->SetRecvCallback(serve);
  Ptr<Socket> client = Socket::CreateSocket(hosts.Get(0), udp);
  client->Bind();
  client->Connect(InetSocketAddress(last.GetAddress(1), PORT));
  return client;
}

void Ask(Ptr<Socket> socket) { socket->Send(Create<Packet>(BYTES)); }

void Answer(Ptr<Socket> socket) {
  Address from;
  while (Ptr<Packet> packet = socket->RecvFrom(from)) socket->SendTo(packet->Copy(), 0, from);
}

void Answered(Ptr<Socket> socket) {
  while (socket->Recv()) {
    replies++;
    if (replies == WARM_UP) begin = std::clock();
    if (replies < WARM_UP + rounds)
      Ask(socket);
    else
      Simulator::Stop();
  }
}

void Swallow(Ptr<Socket> socket) {
  while (socket->Recv()) replies++;
}

int Rounds(const std::string& kind) {
  Ptr<Socket> client = Build(kind, "1us", MakeCallback(&Answer));
  client->SetRecvCallback(MakeCallback(&Answered));
  Simulator::Schedule(Seconds(1), &Ask, client);
  Simulator::Run();
  const double took = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  if (replies != WARM_UP + rounds) return 1;
  std::cout << rounds * CROSSINGS_PER_ROUND << ' ' << took << '\n';
  return 0;
}

int Flight(const std::string& kind) {
  Ptr<Socket> client = Build(kind, "100ms", MakeCallback(&Swallow));
  // One before the others, so that every neighbour is known.
  Simulator::Schedule(Seconds(1), &Ask, client);
  Simulator::Stop(Seconds(20));
  Simulator::Run();
  if (replies != 1) return 1;
  const size_t before = mallinfo2().uordblks;
  for (uint32_t i = 0; i < rounds; i++) Simulator::Schedule(MicroSeconds(i), &Ask, client);
  Simulator::Stop(MilliSeconds(90));
  Simulator::Run();
  std::cout << mallinfo2().uordblks - before << '\n';
  return replies == 1 ? 0 : 1;
}

}  // namespace

int main(int argc, char* argv[]) {
  if (argc != 4) return 2;
  const std::string what = argv[1];
  rounds = static_cast<uint32_t>(std::strtoul(argv[3], nullptr, 10));
  const int status = what == "rounds" ? Rounds(argv[2]) : what == "flight" ? Flight(argv[2]) : 2;
  Simulator::Destroy();
  return status;
}
