use std::sync::Arc;

use poolgate::authn::certificate::read;
use poolgate::caller::{Certificate, Proof};
use rcgen::{CertificateParams, CustomExtension, DnType, KeyPair, SerialNumber};

use super::Door;
use crate::support::tokens::Site;

/// A kind of name and its content.
type Name = (u8, &'static [u8]);

const URI: u8 = 0x86;
const DNS: u8 = 0x82;
const EMAIL: u8 = 0x81;
const ADDRESS: u8 = 0x87;

/// A certificate whose common name is a SPIFFE ID, with these extensions for the
/// subject's alternative names.
fn certificate(extensions: &[Vec<u8>]) -> Vec<u8> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    let name = "spiffe://example.org/common-name";
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(SerialNumber::from_slice(&[0x01, 0xab]));
    params.custom_extensions = extensions
        .iter()
        .map(|names| CustomExtension::from_oid_content(&[2, 5, 29, 17], names.clone()))
        .collect();
    let key = KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().der().to_vec()
}

/// The content of the extension.
fn names(names: &[(u8, &[u8])]) -> Vec<u8> {
    let content: Vec<u8> = names
        .iter()
        .flat_map(|(tag, content)| tagged(*tag, content))
        .collect();
    tagged(0x30, &content)
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
    let length = match content.len() {
        0..128 => vec![low],
        128..256 => vec![0x81, low],
        _ => vec![0x82, high, low],
    };
    [vec![tag], length, content.to_vec()].concat()
}

async fn caller(door: &Door, certificate: &Certificate) -> Result<String, String> {
    match door.ask(Some(certificate), &[]).await {
        Ok(caller) => Ok(caller.id().to_owned()),
        Err(refusal) => Err(refusal.cause),
    }
}

#[tokio::test]
async fn a_caller_has_the_one_spiffe_id_of_its_certificate_for_a_name() {
    let door = Door::new("[certificates]", &Arc::<Site>::default());
    let of_size = |size: usize| {
        let beginning = "spiffe://example.org/";
        format!("{beginning}{}", "x".repeat(size - beginning.len()))
    };
    let (longest, longer) = (of_size(2048), of_size(2049));
    let domain = format!("spiffe://{}/shop", "d".repeat(256));
    let path = "the path has other characters";
    let trust = "the trust domain has other characters";
    let cases: [(&str, Option<&str>); 32] = [
        ("spiffe://example.org/shop", None),
        ("spiffe://example.org/shop/till-1/A_b.c", None),
        ("spiffe://a_b-c.1/0", None),
        ("spiffe://example.org/...", None),
        (&longest, None),
        (&longer, Some("longer than 2048 bytes")),
        (&domain, Some(trust)),
        ("spiffe://example.org", Some("without a path")),
        ("spiffe://example.org/", Some("an empty segment")),
        ("spiffe://example.org/shop/", Some("an empty segment")),
        ("spiffe://example.org//shop", Some("an empty segment")),
        ("spiffe://example.org/./shop", Some("a segment `.` or `..`")),
        (
            "spiffe://example.org/a/../shop",
            Some("a segment `.` or `..`"),
        ),
        ("spiffe://Example.org/shop", Some(trust)),
        ("spiffe:///shop", Some(trust)),
        ("spiffe://example.org:443/shop", Some(trust)),
        ("spiffe://me@example.org/shop", Some(trust)),
        ("spiffe://example%2eorg/shop", Some(trust)),
        ("spiffe://[::1]/shop", Some(trust)),
        ("spiffe://example.org/shop?x=1", Some(path)),
        ("spiffe://example.org/shop#x", Some(path)),
        ("spiffe://example.org/%73hop", Some(path)),
        ("spiffe://example.org/shop till", Some(path)),
        ("spiffe://example.org/shop*", Some(path)),
        ("spiffe://example.org/shop;v=1", Some(path)),
        ("SPIFFE://example.org/shop", Some("not a URI that begins")),
        (" spiffe://example.org/shop", Some("not a URI that begins")),
        ("spiffe:/example.org/shop", Some("not a URI that begins")),
        ("spiffe:example.org/shop", Some("not a URI that begins")),
        ("https://example.org/shop", Some("not a URI that begins")),
        ("spiffe://example.org/shop\\..", Some(path)),
        ("", Some("not a URI that begins")),
    ];
    for (uri, says) in cases {
        let certificate = read(&certificate(&[names(&[(URI, uri.as_bytes())])])).unwrap();
        match (caller(&door, &certificate).await, says) {
            (Ok(id), None) => assert_eq!(id, uri),
            (Err(cause), Some(says)) => assert!(cause.contains(says), "{uri}: {cause}"),
            (answer, says) => panic!("{uri}: {answer:?} is not {says:?}"),
        }
    }
}

#[tokio::test]
async fn only_one_name_of_the_right_kind_counts() {
    let shop: Name = (URI, b"spiffe://example.org/shop");
    let till: Name = (URI, b"spiffe://example.org/till");
    let page: Name = (URI, b"https://example.org/");
    let host: Name = (DNS, b"Shop.example.org");
    let other: Name = (DNS, b"till.example.org");
    let email: Name = (EMAIL, b"shop@example.org");
    let address: Name = (ADDRESS, &[127, 0, 0, 1]);
    let wild: Name = (DNS, b"*.example.org");
    let (spiffe, dns, both) = (r#"["spiffe"]"#, r#"["dns"]"#, r#"["spiffe", "dns"]"#);
    let id = "spiffe://example.org/shop";
    let cases: [(&str, &[Name], Result<&str, &str>); 16] = [
        (spiffe, &[shop, host, email, address], Ok(id)),
        (spiffe, &[], Err("0 URIs, not one")),
        (spiffe, &[host], Err("0 URIs, not one")),
        (spiffe, &[shop, till], Err("2 URIs, not one")),
        (spiffe, &[shop, shop], Err("2 URIs, not one")),
        (spiffe, &[shop, page], Err("2 URIs, not one")),
        (spiffe, &[page], Err("not a URI that begins")),
        (dns, &[host], Ok("dns:shop.example.org")),
        (dns, &[shop, host], Ok("dns:shop.example.org")),
        (dns, &[host, other], Err("2 DNS names, not one")),
        (dns, &[shop], Err("0 DNS names, not one")),
        (dns, &[wild], Err("not the DNS name of one host")),
        (both, &[shop, host], Ok(id)),
        (both, &[host], Ok("dns:shop.example.org")),
        (both, &[page, host], Err("not a URI that begins")),
        (both, &[email, address], Err("0 DNS names, not one")),
    ];
    for (kinds, san, expected) in cases {
        let callers = format!("[certificates]\nnames = {kinds}");
        let door = Door::new(&callers, &Arc::<Site>::default());
        let extensions: Vec<Vec<u8>> = match san {
            [] => Vec::new(),
            san => vec![names(san)],
        };
        let certificate = read(&certificate(&extensions)).unwrap();
        match (caller(&door, &certificate).await, expected) {
            (Ok(id), Ok(expected)) => assert_eq!(id, expected),
            (Err(cause), Err(says)) => assert!(cause.contains(says), "{kinds}: {cause}"),
            (answer, _) => panic!("{kinds}, {san:?}: {answer:?} is not {expected:?}"),
        }
    }
}

#[test]
fn names_that_cannot_be_read_are_not_passed_over() {
    let shop: Name = (URI, b"spiffe://example.org/shop");
    let good = names(&[shop]);
    let cases = [
        (
            "no UTF-8",
            vec![names(&[(URI, b"spiffe://example.org/\xff")])],
        ),
        ("one of two", vec![names(&[shop, (DNS, b"\xff")])]),
        ("no sequence", vec![b"\x04\x01a".to_vec()]),
        ("cut", vec![good[..good.len() - 3].to_vec()]),
        ("no content", vec![Vec::new()]),
        ("more after it", vec![[good.clone(), good.clone()].concat()]),
        ("an unknown kind", vec![names(&[shop, (0x8a, b"x")])]),
        ("the extension twice", vec![good.clone(), good.clone()]),
    ];
    for (why, extensions) in cases {
        let answer = read(&certificate(&extensions));

        assert!(answer.is_err(), "{why}: {answer:?}");
    }
    let whole = certificate(&[good]);
    assert!(read(&whole).is_ok());
    assert!(read(&[whole.clone(), vec![0]].concat()).is_err());
    assert!(read(&whole[..whole.len() - 1]).is_err());
}

#[tokio::test]
async fn a_caller_gets_what_is_known_of_its_name() {
    let callers = r#"
        [certificates]
        trust_domains = ["example.org"]
        [[certificates.map]]
        name = "spiffe://example.org/shop/*"
        roles = ["shop"]
        attributes = { team = "shop" }
        [[certificates.map]]
        name = "spiffe://example.org/shop/till"
        roles = ["till"]
    "#;
    let door = Door::new(callers, &Arc::<Site>::default());
    let of = |uri: &str| read(&certificate(&[names(&[(URI, uri.as_bytes())])])).unwrap();

    let till = door
        .ask(Some(&of("spiffe://example.org/shop/till")), &[])
        .await
        .unwrap();
    let shop = door
        .ask(Some(&of("spiffe://example.org/shop")), &[])
        .await
        .unwrap();
    let shopping = door
        .ask(Some(&of("spiffe://example.org/shopping/x")), &[])
        .await
        .unwrap();
    let stranger = caller(&door, &of("spiffe://example.com/shop/till")).await;

    assert_eq!(till.roles().iter().collect::<Vec<_>>(), ["shop", "till"]);
    assert_eq!(till.attributes()["team"], "shop");
    let serial = "1ab".to_owned();
    assert_eq!(*till.proof(), Proof::Certificate { serial });
    assert!(shop.roles().is_empty() && shopping.roles().is_empty());
    assert!(stranger.unwrap_err().contains("another trust domain"));
}
